"""Pictures that stand for a data set: chosen by a fixed rule, not by what comes of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pocketbench.accuracy.datasets.dataset import DataSet, read_framed
from pocketbench.accuracy.preprocessing import Pixels
from pocketbench.core.errors import FileFault
from pocketbench.core.records import Preprocessing


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One picture at the size of the network. Shape: pixels (C, H, W)."""

    index: int
    name: str
    label: int
    pixels: Pixels


def read_examples(
    dataset: DataSet, preprocessing: Preprocessing, count: int
) -> tuple[list[Example], list[tuple[str, str]]]:
    """The first picture of each class, of `count` classes evenly spread over those that the split has; with fewer
    classes than that, the first ones of each. The next picture of the class takes the place of one that can't be read.

    Returns: the pictures by class and place, and the names of those that can't be read, each with the reason.

    Raises: FileFault when none can be read.
    """
    classes = np.unique(dataset.labels)
    wanted = np.bincount(np.arange(count) * len(classes) // count, minlength=len(classes))
    examples: list[Example] = []
    unreadable: list[tuple[str, str]] = []
    for label, number in zip(classes, wanted, strict=True):
        goal = len(examples) + number
        for index in map(int, np.flatnonzero(dataset.labels == label)):
            if len(examples) == goal:
                break
            framed = read_framed(dataset, preprocessing, [index])
            unreadable += framed.unreadable
            name = dataset.pictures.name(index)
            examples += [Example(index=index, name=name, label=int(label), pixels=pixels) for pixels in framed.pixels]
    if not examples:
        raise FileFault(
            f"{dataset.name}, {dataset.split}: none of {len(unreadable)} pictures can be read", unreadable[0][1]
        )
    return examples, unreadable
