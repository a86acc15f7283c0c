"""Pictures in files of their own, read when they are needed."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from pocketbench.accuracy.datasets.dataset import PictureFault
from pocketbench.accuracy.preprocessing import Pixels

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".tif", ".tiff")
MAX_PIXELS = 200_000_000


@dataclass(frozen=True, kw_only=True)
class PictureFiles:
    """Files by their names below `folder`, in order."""

    folder: Path
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def name(self, index: int) -> str:
        return self.names[index]

    def read(self, index: int) -> Pixels:
        return read_picture(self.folder / self.names[index])

    def update_hash(self, digest: hashlib._Hash) -> None:
        for name in self.names:
            try:
                with (self.folder / name).open("rb") as file:
                    content = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise PictureFault(f"can't read {name}: {error.strerror or error}", "check the file") from error
            digest.update(f"{name}\0{content}\n".encode("utf-8", "surrogateescape"))


def is_picture_name(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def read_picture(path: Path) -> Pixels:
    """The pixels of a file, upright as its EXIF says; transparent parts are black, 16 bits become 8.

    Shape: (H, W) for a grey picture, else (H, W, 3).

    Raises: PictureFault when it can't be read whole.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise PictureFault(f"{path.name} has {image.width} x {image.height} pixels", "make it smaller")
                upright = ImageOps.exif_transpose(image)
                return _convert(upright, path.name)
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise PictureFault(f"{path.name} can't be read: {reason}", "replace it") from error


def _convert(image: Image.Image, name: str) -> Pixels:
    if image.mode in ("I", "F"):
        raise PictureFault(f"{name} has values of 32 bits, whose range is not known", "save it with 8 or 16 bits")
    if image.mode.startswith("I;16"):
        return (np.asarray(image, np.float64) / 257).round().astype(np.uint8)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, (0, 0, 0, 255)), rgba)
        return np.asarray(image.convert("RGB"))
    return np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"))
