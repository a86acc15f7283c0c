"""A folder a class, as torchvision's ImageFolder has it: train/cat/1.jpg, test/dog/2.png.

A file classes.txt beside the class folders, a folder's name a line, sets the numbers of the classes, and may name
classes without a folder (a part of ImageNet keeps ImageNet's numbers); without it classes are numbered by name.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from pocketbench.accuracy.datasets.dataset import DataSet, make_dataset
from pocketbench.accuracy.datasets.picture_files import PictureFiles, is_picture_name
from pocketbench.core.errors import FileFault, nearest_name_hint

CLASSES_FILE = "classes.txt"
SPLIT_FOLDERS = {"train": ("train",), "test": ("test", "val", "validation")}


def find_split_folder(folder: Path, split: str) -> Path | None:
    """Where the split's pictures are: a folder of its name; for a test split without any such folder, `folder`."""
    own = next((folder / name for name in SPLIT_FOLDERS[split] if (folder / name).is_dir()), None)
    divided = any((folder / name).is_dir() for names in SPLIT_FOLDERS.values() for name in names)
    return own if own is not None or divided or split == "train" else folder


def has_folders(folder: Path) -> bool:
    return any(entry.is_dir() and not entry.name.startswith(".") for entry in folder.iterdir())


def read_class_folders(name: str, split: str, folder: Path) -> DataSet:
    """Raises: FileFault when a class has no pictures, or a folder is no class."""
    try:
        folders = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and entry.name[0] != ".")
    except OSError as error:
        raise FileFault(f"can't read {folder}: {error.strerror or error}", "check the path") from error
    classes = read_classes(folder) or read_classes(folder.parent) or tuple(folders)
    numbers = {class_name: number for number, class_name in enumerate(classes)}
    names: list[str] = []
    labels: list[int] = []
    for class_name in folders:
        if class_name not in numbers:
            raise FileFault(
                f"{folder / class_name} is no class of {CLASSES_FILE}", nearest_name_hint(class_name, [*numbers][:20])
            )
        found = list_pictures(folder, class_name)
        if not found:
            raise FileFault(
                f"{folder / class_name} holds no pictures", "add pictures of the class, or remove the folder"
            )
        names += found
        labels += [numbers[class_name]] * len(found)
    return make_dataset(
        name, split, PictureFiles(folder=folder, names=tuple(names)), np.array(labels, np.int64), classes
    )


def list_pictures(folder: Path, class_name: str) -> list[str]:
    """The pictures in a class folder and the folders in it, by their names below `folder`, in order."""
    found = []
    for place, _, files in os.walk(folder / class_name):
        found += [os.path.relpath(os.path.join(place, file), folder) for file in files if is_picture_name(file)]  # noqa: PTH118
    return sorted(name.replace(os.sep, "/") for name in found)


def read_classes(folder: Path) -> tuple[str, ...] | None:
    """The lines of classes.txt; None where there is none. Raises: FileFault."""
    path = folder / CLASSES_FILE
    if not path.is_file():
        return None
    try:
        lines = tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise FileFault(f"can't read {path}: {error}", "save it as UTF-8, a class a line") from error
    if len(set(lines)) != len(lines) or not lines:
        raise FileFault(f"{path} names {'a class twice' if lines else 'no class'}", "write each class on a line, once")
    return lines
