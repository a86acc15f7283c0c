"""NumPy archives with pictures and labels, by the names that Keras (x_train), MedMNIST (train_images) or nobody
(images) gives them. A pickle in one is never run."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from pocketbench.accuracy.datasets.dataset import ArrayPictures, DataSet, make_dataset
from pocketbench.core.errors import FileFault

MAX_BYTES = 8 * 10**9
NAMES = {
    "train": (("x_train", "y_train"), ("train_images", "train_labels")),
    "test": (("x_test", "y_test"), ("test_images", "test_labels"), ("images", "labels")),
}
CURE = "copy or download it again"


def read_npz_dataset(path: Path, split: str) -> DataSet:
    """A split of an archive. `images` and `labels` without a split are a test split.

    Raises: FileFault when it can't be read, lacks the split, or holds something else than bytes and whole numbers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            held = {name.removesuffix(".npy") for name in archive.namelist()}
            pair = next((pair for pair in NAMES[split] if held.issuperset(pair)), None)
            if pair is None:
                expected = " or ".join(" and ".join(pair) for pair in NAMES[split])
                raise FileFault(
                    f"{path} has no {split} split, its arrays: {', '.join(sorted(held)[:10]) or 'none'}",
                    f"expected {expected}",
                )
            pictures, labels = (_read_array(archive, name, path) for name in pair)
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, ValueError) as error:
        raise FileFault(f"can't read {path}: {error}", CURE) from error
    if pictures.dtype != np.uint8 or pictures.ndim not in (3, 4):
        raise FileFault(
            f"{path}: {pair[0]} is {pictures.dtype} with {pictures.ndim} dimensions",
            "expected uint8 pictures: number, height, width, and channels if there are several",
        )
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.dtype.kind not in "ui" or labels.ndim != 1:
        raise FileFault(
            f"{path}: {pair[1]} is {labels.dtype} with {labels.ndim} dimensions", "expected a whole number a picture"
        )
    return make_dataset(path.stem, split, ArrayPictures(pixels=pictures, source=path.name), labels, None)


def _read_array(archive: zipfile.ZipFile, name: str, path: Path) -> NDArray[Any]:
    """An array whose header claims no more than the file holds: nothing is allocated for a lie."""
    member = archive.getinfo(f"{name}.npy")
    with archive.open(member) as stream:
        version = npy.read_magic(stream)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read_header(stream)
        if dtype.hasobject:
            raise FileFault(f"{path}: {name} is a pickle, which can hold code", "save an array of numbers")
        size = math.prod(shape) * dtype.itemsize
        if size > MAX_BYTES or stream.tell() + size != member.file_size:
            raise FileFault(f"{path}: {name} claims {size} bytes in a part of {member.file_size}", CURE)
    with archive.open(member) as stream:
        array: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
    return array
