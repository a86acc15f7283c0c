"""Labelled pictures, whatever file they come from."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pocketbench.accuracy.preprocessing import Pixels, frame_picture, frame_pictures
from pocketbench.core.errors import FileFault, UsageError, one_line
from pocketbench.core.records import Preprocessing

SPLITS = ("train", "test")
SHOWN_NAMES = 5

Labels = NDArray[np.int64]


class PictureFault(FileFault):
    """A picture that can't be read."""


class Pictures(Protocol):
    """Pictures in an order that does not change."""

    def __len__(self) -> int: ...

    def name(self, index: int) -> str:
        """What a message calls a picture."""
        ...

    def read(self, index: int) -> Pixels:
        """Shape: (H, W) or (H, W, C). Raises: PictureFault."""
        ...

    def update_hash(self, digest: hashlib._Hash) -> None:
        """Add the content of every picture. Raises: PictureFault."""
        ...


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """One split of a data set.

    `class_names` is None where the labels are bare numbers.
    """

    name: str
    split: str
    pictures: Pictures
    labels: Labels
    class_names: tuple[str, ...] | None

    def __len__(self) -> int:
        return len(self.pictures)

    @functools.cached_property
    def sha256(self) -> str:
        """Identifies the content: classes, labels and pictures, in their order; not where they stand.

        Raises: PictureFault when a file can't be read.
        """
        digest = hashlib.sha256("\n".join(self.class_names or ()).encode("utf-8", "surrogateescape") + b"\0")
        digest.update(self.labels.astype("<i8").tobytes())
        self.pictures.update_hash(digest)
        return digest.hexdigest()


@dataclass(frozen=True, kw_only=True)
class ArrayPictures:
    """Pictures of one size, in memory. Shape: (N, H, W) or (N, H, W, C)."""

    pixels: Pixels
    source: str

    def __len__(self) -> int:
        return len(self.pixels)

    def name(self, index: int) -> str:
        return f"{self.source}, picture {index}"

    def read(self, index: int) -> Pixels:
        picture: Pixels = self.pixels[index]
        return picture

    def update_hash(self, digest: hashlib._Hash) -> None:
        digest.update(repr(self.pixels.shape).encode())
        digest.update(np.ascontiguousarray(self.pixels).data)


def make_dataset(
    name: str, split: str, pictures: Pictures, labels: NDArray[np.integer], class_names: Sequence[str] | None
) -> DataSet:
    """A data set whose parts fit each other.

    Raises: FileFault when they do not.
    """
    if len(pictures) != len(labels):
        raise FileFault(
            f"{name}, {split}: {len(pictures)} pictures and {len(labels)} labels", "copy or download the files again"
        )
    if not len(labels):
        raise FileFault(f"{name}, {split}: no pictures", "name a data set that holds some")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or (class_names is not None and high >= len(class_names)):
        wrong = int(np.flatnonzero((labels < 0) | (labels >= len(class_names or range(high + 1))))[0])
        expected = f"0 to {len(class_names) - 1}" if class_names is not None else "0 and above"
        raise FileFault(
            f"{name}, {split}: label {int(labels[wrong])} of {pictures.name(wrong)} is no class", f"expected {expected}"
        )
    names = tuple(class_names) if class_names is not None else None
    return DataSet(name=name, split=split, pictures=pictures, labels=labels.astype(np.int64), class_names=names)


def check_classes(dataset: DataSet, class_count: int) -> None:
    """Raises: UsageError when the labels do not fit a network of so many classes."""
    if dataset.class_names is not None and len(dataset.class_names) != class_count:
        raise UsageError(
            f"{dataset.name} has {len(dataset.class_names)} classes, the network {class_count}",
            f"build the network with as many: --classes {len(dataset.class_names)}",
        )
    highest = int(dataset.labels.max())
    if highest >= class_count:
        raise UsageError(
            f"{dataset.name} has the label {highest}, the network only {class_count} classes, 0 to {class_count - 1}",
            f"build the network with more: --classes {highest + 1}",
        )


@dataclass(frozen=True, kw_only=True)
class FramedPictures:
    """Pictures of the network's size as bytes, and which of those that were asked for can't be read, with the reason.

    Shape: pixels (N, C, H, W), labels (N).
    """

    pixels: Pixels
    labels: Labels
    unreadable: tuple[tuple[str, str], ...]


def read_framed(dataset: DataSet, preprocessing: Preprocessing, indices: Sequence[int] | None = None) -> FramedPictures:
    """The pictures (None: all), ready to be normalised; those that can't be read are left out and named."""
    chosen = range(len(dataset)) if indices is None else indices
    pictures = dataset.pictures
    if isinstance(pictures, ArrayPictures):
        pixels = frame_pictures(pictures.pixels if indices is None else pictures.pixels[list(chosen)], preprocessing)
        return FramedPictures(pixels=pixels, labels=dataset.labels[list(chosen)], unreadable=())
    framed, kept, unreadable = [], [], []
    for index in chosen:
        try:
            framed.append(frame_picture(pictures.read(index), preprocessing))
            kept.append(index)
        except PictureFault as error:
            unreadable.append((pictures.name(index), error.what))
    empty = np.empty((0, preprocessing.channels, *preprocessing.size), np.uint8)
    return FramedPictures(
        pixels=np.stack(framed) if framed else empty, labels=dataset.labels[kept], unreadable=tuple(unreadable)
    )


def refuse_unreadable(dataset: DataSet, framed: FramedPictures) -> None:
    """Raises: FileFault that counts and names what can't be read."""
    if framed.unreadable:
        names = [name for name, _ in framed.unreadable[:SHOWN_NAMES]]
        count = len(framed.unreadable)
        more = f" and {count - len(names)} more" if count > len(names) else ""
        raise FileFault(
            f"{dataset.name}, {dataset.split}: {count} of {count + len(framed.labels)} pictures can't be read:"
            f" {', '.join(names)}{more}; {one_line(framed.unreadable[0][1], 150)}",
            "replace them, or take them out of the data set",
        )
