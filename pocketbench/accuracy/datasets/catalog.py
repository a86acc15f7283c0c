"""Which data set a text means: a name, or a path."""

from __future__ import annotations

from pathlib import Path

from pocketbench.accuracy.datasets.dataset import SPLITS, DataSet
from pocketbench.accuracy.datasets.fashion_mnist import NAME, read_fashion_mnist
from pocketbench.accuracy.datasets.idx import find_idx_files, read_idx_dataset
from pocketbench.core.errors import FileFault, UnknownNameError

NAMED = {NAME: read_fashion_mnist}


def open_dataset(text: str, split: str) -> DataSet:
    """The split ("train" or "test") of a data set.

    Args:
        text: "fashion-mnist", or the path of an .npz file or a folder.

    Raises:
        UnknownNameError: when it is neither a name nor a path, or there is no such split.
        FileFault: when it can't be read, or its parts do not fit each other.
    """
    if split not in SPLITS:
        raise UnknownNameError("split", split, SPLITS)
    if text in NAMED:
        return NAMED[text](split)
    path = Path(text)
    if not path.exists():
        raise UnknownNameError("data set", text, NAMED)
    files = find_idx_files(path, split)
    if files is not None:
        return read_idx_dataset(path.name, split, *files)
    raise FileFault(f"{path} holds no data set", "name an .npz file or a folder of pictures or IDX files")
