"""Preprocessing against torchvision's transforms, picture by picture and as a whole set."""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from pocketbench.accuracy.preprocessing import frame_picture, frame_pictures, normalise
from pocketbench.accuracy.preprocessing_rules import check_preprocessing
from pocketbench.blocks.timm_models import import_timm
from pocketbench.core.errors import UsageError
from pocketbench.core.records import Preprocessing

IMAGENET = Preprocessing(
    size=(24, 24),
    channels=3,
    crop="center",
    resize=28,
    interpolation="bicubic",
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
)
GREY = Preprocessing(size=(32, 32), channels=1, crop="center", resize=None, interpolation=None, mean=(0.3,), std=(0.4,))


def draw_picture(height: int, width: int, channels: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels)).astype(np.uint8)


def apply_torchvision(picture: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
    """The same in the words of torchvision.transforms."""
    import_timm()  # declares the operators that torchvision's import needs
    transforms = importlib.import_module("torchvision.transforms")
    image = Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture)
    steps = [transforms.Grayscale(1)] if preprocessing.channels == 1 else [lambda image: image.convert("RGB")]
    mode = transforms.InterpolationMode[(preprocessing.interpolation or "bilinear").upper()]
    if preprocessing.crop == "squash":
        steps.append(transforms.Resize(preprocessing.size, mode))
    else:
        steps += [transforms.Resize(preprocessing.resize, mode)] if preprocessing.resize is not None else []
        steps.append(transforms.CenterCrop(preprocessing.size))
    steps += [transforms.ToTensor(), transforms.Normalize(preprocessing.mean, preprocessing.std)]
    return transforms.Compose(steps)(image).numpy()


@pytest.mark.parametrize("size", [(40, 40), (31, 57), (57, 31), (20, 90), (28, 29)])
@pytest.mark.parametrize(
    "preprocessing",
    [
        IMAGENET,
        replace(IMAGENET, interpolation="bilinear", size=(24, 28)),
        replace(IMAGENET, interpolation="nearest", resize=25),
        replace(IMAGENET, crop="squash", resize=None, interpolation="lanczos"),
        replace(IMAGENET, resize=None, interpolation=None, size=(41, 24)),
        replace(GREY, size=(33, 40)),
        replace(GREY, resize=16, interpolation="bicubic"),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_torchvisions(size, preprocessing, channels):
    picture = draw_picture(*size, channels)
    ours = normalise(frame_picture(picture, preprocessing), preprocessing)
    theirs = apply_torchvision(picture, preprocessing)
    assert ours.dtype == np.float32
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() < 1e-5  # a step of one byte is 0.009 and more


@pytest.mark.parametrize("preprocessing", [IMAGENET, GREY, replace(GREY, channels=3, mean=(0.1,) * 3, std=(1.0,) * 3)])
@pytest.mark.parametrize("channels", [1, 3])
def test_many_pictures_at_once_become_what_each_becomes(preprocessing, channels):
    pictures = np.stack([draw_picture(28, 27, channels, seed) for seed in range(5)])
    each = [frame_picture(picture, preprocessing) for picture in pictures]
    assert np.array_equal(frame_pictures(pictures, preprocessing), each)
    if channels == 1:
        assert np.array_equal(frame_pictures(pictures[..., 0], preprocessing), each)


def test_training_sees_the_same_numbers():
    from pocketbench.accuracy.epoch import Normalisation

    framed = frame_picture(draw_picture(40, 40, 3), IMAGENET)
    seen = Normalisation(IMAGENET, "cpu")(torch.from_numpy(framed)[None])[0]
    assert np.array_equal(seen.numpy(), normalise(framed, IMAGENET))


def test_efficientnet_lites_scale():
    """(x - 127) / 128, as its authors write it."""
    scale = replace(GREY, size=(16, 16), mean=(127 / 255,), std=(128 / 255,))
    every = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert (
        np.abs(normalise(frame_picture(every, scale), scale)[0] - (every.astype(np.float64) - 127) / 128).max() < 1e-6
    )


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"size": (32,)}, "size is"),
        ({"size": (0, 32)}, "size is"),
        ({"channels": 4}, "channels is 4"),
        ({"crop": "border"}, "crop is 'border'"),
        ({"resize": 0, "interpolation": "bilinear"}, "resize is 0"),
        ({"crop": "squash", "resize": 32, "interpolation": "bilinear"}, "resize is 32"),
        ({"resize": 32}, "interpolation is None"),
        ({"crop": "squash"}, "interpolation is None"),
        ({"resize": 32, "interpolation": "cubic"}, "interpolation is 'cubic'"),
        ({"interpolation": "bicubic"}, "nothing is resized"),
        ({"mean": (0.5, 0.5)}, "mean is"),
        ({"mean": (float("nan"),)}, "mean is"),
        ({"std": ()}, "std is"),
        ({"std": (0.0,)}, "std is"),
    ],
)
def test_a_record_that_describes_nothing_is_refused(change, what):
    check_preprocessing(GREY)
    with pytest.raises(UsageError) as caught:
        check_preprocessing(replace(GREY, **change))
    assert caught.value.what.startswith(what) or what in caught.value.what


def test_a_picture_of_two_channels_is_refused():
    with pytest.raises(UsageError, match="2 channels"):
        frame_picture(draw_picture(8, 8, 2), GREY)
