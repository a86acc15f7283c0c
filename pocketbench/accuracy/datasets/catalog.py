"""Which data set a text means: a name, or a path."""

from __future__ import annotations

from pathlib import Path

from pocketbench.accuracy.datasets.class_folders import find_split_folder, has_folders, read_class_folders
from pocketbench.accuracy.datasets.dataset import SPLITS, DataSet
from pocketbench.accuracy.datasets.fashion_mnist import NAME, read_fashion_mnist
from pocketbench.accuracy.datasets.idx import find_idx_files, read_idx_dataset
from pocketbench.accuracy.datasets.labels_file import find_labels_file, read_labelled_folder
from pocketbench.accuracy.datasets.npz import read_npz_dataset
from pocketbench.core.errors import FileFault, UnknownNameError

NAMED = {NAME: read_fashion_mnist}
HELP = (
    "expected an .npz file (x_test, y_test), or a folder with IDX files (t10k-images-idx3-ubyte), with a folder a class"
    " in train/ and test/, or with pictures and labels.txt"
)


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
    if path.is_file() and path.suffix.lower() == ".npz":
        return read_npz_dataset(path, split)
    if not path.exists():
        raise UnknownNameError("data set", text, NAMED)
    if path.is_dir():
        found = _read_folder(path, split)
        if found is not None:
            return found
    raise FileFault(f"{path} holds no {split} split of a data set", HELP)


def _read_folder(path: Path, split: str) -> DataSet | None:
    files = find_idx_files(path, split)
    if files is not None:
        return read_idx_dataset(path.name, split, *files)
    folder = find_split_folder(path, split)
    if folder is None:
        return None
    labels_file = find_labels_file(folder)
    if labels_file is not None:
        return read_labelled_folder(path.name, split, labels_file)
    return read_class_folders(path.name, split, folder) if has_folders(folder) else None
