"""IDX files, the format of MNIST: a big-endian header, then bytes; gzipped or not.

Source: http://yann.lecun.com/exdb/mnist/, "The IDX file format".
"""

from __future__ import annotations

import gzip
import io
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from pocketbench.accuracy.datasets.dataset import ArrayPictures, DataSet, make_dataset
from pocketbench.core.errors import FileFault

UNSIGNED_BYTES = 0x08
MAX_BYTES = 4 * 10**9
# deflate packs 258 bytes into 2 bits at best: a header that claims more lies, and nothing is allocated for it
MAX_GZIP_RATIO = 1032
GZIP_MAGIC = b"\x1f\x8b"
FILE_NAMES = {"train": "train", "test": "t10k"}
CURE = "copy or download it again"


def find_idx_files(folder: Path, split: str) -> tuple[Path, Path] | None:
    """The pictures and the labels of a split, by the names that MNIST gave them; None where there are none."""
    found = []
    for kind in ("images-idx3", "labels-idx1"):
        names = (f"{FILE_NAMES[split]}-{kind}-ubyte{suffix}" for suffix in ("", ".gz"))
        found.append(next((folder / name for name in names if (folder / name).is_file()), None))
    pictures, labels = found
    return (pictures, labels) if pictures is not None and labels is not None else None


def read_idx_dataset(
    name: str, split: str, pictures: Path, labels: Path, class_names: tuple[str, ...] | None = None
) -> DataSet:
    """A split from its two files. Raises: FileFault."""
    pixels, numbers = read_idx(pictures), read_idx(labels)
    if pixels.ndim not in (3, 4):
        raise FileFault(f"{pictures} has {pixels.ndim} dimensions", "expected pictures: number, height, width")
    if numbers.ndim != 1:
        raise FileFault(f"{labels} has {numbers.ndim} dimensions", "expected labels: one dimension")
    return make_dataset(name, split, ArrayPictures(pixels=pixels, source=pictures.name), numbers, class_names)


def read_idx(path: Path) -> NDArray[np.uint8]:
    """The array in a file of bytes; its size is checked against the header before it is read.

    Raises: FileFault when it can't be read, is no IDX file, or is longer or shorter than its header says.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(2) == GZIP_MAGIC
            stored = file.seek(0, io.SEEK_END)
            file.seek(0)
            if not packed:
                return _read_stream(file, path, stored)
            with gzip.GzipFile(fileobj=file) as stream:
                return _read_stream(stream, path, stored * MAX_GZIP_RATIO)
    except (OSError, EOFError, zlib.error) as error:
        raise FileFault(f"can't read {path}: {error}", CURE) from error


def _read_stream(stream: BinaryIO | gzip.GzipFile, path: Path, largest: int) -> NDArray[np.uint8]:
    """The array; `largest` is the most that the file can hold."""
    start = stream.read(4)
    if len(start) != 4 or start[:2] != b"\0\0":
        raise FileFault(f"{path} is no IDX file: it begins with {start.hex() or 'nothing'}", CURE)
    if start[2] != UNSIGNED_BYTES:
        raise FileFault(f"{path} holds elements of IDX type 0x{start[2]:02x}", "only bytes (0x08) are read")
    header = stream.read(4 * start[3])
    if len(header) != 4 * start[3]:
        raise FileFault(f"{path} ends within its header", CURE)
    shape = struct.unpack(f">{start[3]}I", header)
    count = math.prod(shape)
    if count > min(MAX_BYTES, largest):
        raise FileFault(f"{path} claims {count} bytes of data, more than it can hold or than {MAX_BYTES}", CURE)
    content = stream.read(count + 1)
    if len(content) != count:
        seen = "more" if len(content) > count else str(len(content))
        raise FileFault(f"{path} holds {seen} bytes of data, its header says {count}", CURE)
    return np.frombuffer(content, np.uint8).reshape(shape)
