"""From a picture to what a network sees, as a model's record says: one way for training, evaluation and calibration.

Two steps, so that pictures can be kept as bytes and changed by augmentation in between: `frame_picture` gives uint8 of
the network's size, `normalise` the network's float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pocketbench.accuracy.preprocessing_rules import CHANNEL_COUNTS
from pocketbench.core.errors import UsageError
from pocketbench.core.records import Preprocessing

Pixels = NDArray[np.uint8]

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
# ITU-R BT.601, in the whole numbers that Pillow uses: L = (19595 R + 38470 G + 7471 B + 32768) / 65536
GREY_WEIGHTS = (19595, 38470, 7471)


def frame_picture(picture: Pixels, preprocessing: Preprocessing) -> Pixels:
    """One picture with the channels and the size of the network.

    Shape: (H, W) or (H, W, C) with C of 1 or 3, to (channels, *size).

    Raises: UsageError for a picture of another shape.
    """
    pixels = _convert_channels(picture if picture.ndim == 3 else picture[:, :, None], preprocessing.channels)
    height, width = pixels.shape[:2]
    if preprocessing.crop == "squash":
        pixels = _resize(pixels, preprocessing.size, preprocessing)
    else:
        if preprocessing.resize is not None:
            pixels = _resize(pixels, shorter_side((height, width), preprocessing.resize), preprocessing)
        pixels = crop_center(pixels[None], preprocessing.size)[0]
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))  # (C, H, W)


def frame_pictures(pictures: Pixels, preprocessing: Preprocessing) -> Pixels:
    """`frame_picture` of many pictures of one size, at once where nothing is resized.

    Shape: (N, H, W) or (N, H, W, C), to (N, channels, *size).
    """
    if preprocessing.interpolation is not None:
        framed = np.empty((len(pictures), preprocessing.channels, *preprocessing.size), np.uint8)
        for index, picture in enumerate(pictures):
            framed[index] = frame_picture(picture, preprocessing)
        return framed
    pixels = pictures if pictures.ndim == 4 else pictures[..., None]
    pixels = crop_center(_convert_channels(pixels, preprocessing.channels), preprocessing.size)
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))  # (N, C, H, W)


def normalise(framed: Pixels, preprocessing: Preprocessing) -> NDArray[np.float32]:
    """(value / 255 - mean) / std. Shape: (..., C, H, W), the same."""
    scale, shift = scale_and_shift(preprocessing)
    return framed * scale[:, None, None] + shift[:, None, None]


def scale_and_shift(preprocessing: Preprocessing) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What makes the network's input of a byte: byte * scale + shift, one of each a channel."""
    mean, std = np.array(preprocessing.mean), np.array(preprocessing.std)
    return (1 / (255 * std)).astype(np.float32), (-mean / std).astype(np.float32)


def shorter_side(size: tuple[int, int], target: int) -> tuple[int, int]:
    """Height and width, scaled so that the shorter one is `target`; the longer one is cut to a whole number.

    Source: torchvision.transforms.Resize, which cuts too.
    """
    height, width = size
    if height <= width:
        return target, int(target * width / height)
    return int(target * height / width), target


def crop_center(pixels: Pixels, size: tuple[int, ...]) -> Pixels:
    """The middle of each picture, with black around what is smaller.

    Shape: (N, H, W, C) to (N, *size, C).

    Source: torchvision.transforms.CenterCrop: an odd pixel is lost above and left by rounding half to even, and added
    below and right.
    """
    pads, cuts = [], []
    for have, want in zip(pixels.shape[1:3], size, strict=True):
        missing = max(want - have, 0)
        pads.append((missing // 2, missing - missing // 2))
        start = round((have + missing - want) / 2)
        cuts.append(slice(start, start + want))
    if any(map(any, pads)):
        pixels = np.pad(pixels, ((0, 0), *pads, (0, 0)))
    return pixels[:, cuts[0], cuts[1]]


def _convert_channels(pixels: Pixels, channels: int) -> Pixels:
    """Shape: (..., C) to (..., channels)."""
    have = pixels.shape[-1]
    if have not in CHANNEL_COUNTS or pixels.dtype != np.uint8:
        raise UsageError(
            f"a picture has {have} channels of {pixels.dtype}", "expected bytes with 1 (grey) or 3 (RGB) channels"
        )
    if have == channels:
        return pixels
    if have == 1:
        return np.repeat(pixels, 3, axis=-1)
    grey = (pixels.astype(np.uint32) @ np.array(GREY_WEIGHTS, np.uint32) + 32768) >> 16
    return grey.astype(np.uint8)[..., None]


def _resize(pixels: Pixels, size: tuple[int, ...], preprocessing: Preprocessing) -> Pixels:
    height, width = size
    image: Any = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    resized = np.asarray(image.resize((width, height), FILTERS[preprocessing.interpolation or ""]))
    return resized if resized.ndim == 3 else resized[:, :, None]
