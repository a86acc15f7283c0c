"""Pictures in one folder, and a file that says what each shows: `ILSVRC2012_val_00000001.JPEG 65` a line, or with a
comma between. A label is a number from 0, or a name in classes.txt beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pocketbench.accuracy.datasets.class_folders import CLASSES_FILE, read_classes
from pocketbench.accuracy.datasets.dataset import DataSet, make_dataset
from pocketbench.accuracy.datasets.picture_files import PictureFiles
from pocketbench.core.errors import FileFault

FILE_NAMES = ("labels.txt", "labels.csv", "val.txt")
MAX_LABEL = 10**6


def find_labels_file(folder: Path) -> Path | None:
    return next((folder / name for name in FILE_NAMES if (folder / name).is_file()), None)


def read_labelled_folder(name: str, split: str, labels_file: Path) -> DataSet:
    """The pictures that a labels file names, from its folder.

    Raises: FileFault that names the line, for one without a label, with a label that is no class, or of a picture that
        is not there, or is there twice.
    """
    folder = labels_file.parent
    classes = read_classes(folder)
    try:
        lines = labels_file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileFault(f"can't read {labels_file}: {error}", "save it as UTF-8, a picture a line") from error
    labels: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{labels_file}, line {number}"
        file_name, label = _parse_line(line, where)
        if not _is_inside(folder, file_name):
            raise FileFault(f"{where}: there is no picture {file_name!r} in {folder}", "names are from that folder on")
        if file_name in labels:
            raise FileFault(f"{where}: {file_name} is labelled twice", "write it once")
        labels[file_name] = _find_class(label, classes, where)
    return make_dataset(
        name,
        split,
        PictureFiles(folder=folder, names=tuple(labels)),
        np.array(list(labels.values()), np.int64),
        classes,
    )


def _parse_line(line: str, where: str) -> tuple[str, str]:
    parts = line.strip().rsplit("," if "," in line else None, 1)
    if len(parts) != 2 or not all(part.strip() for part in parts):
        raise FileFault(f"{where}: {line.strip()[:60]!r} has no label", "write FILE LABEL, or FILE,LABEL")
    return parts[0].strip(), parts[1].strip()


def _is_inside(folder: Path, file_name: str) -> bool:
    return ".." not in Path(file_name).parts and not Path(file_name).is_absolute() and (folder / file_name).is_file()


def _find_class(label: str, classes: tuple[str, ...] | None, where: str) -> int:
    if classes is not None and label in classes:
        return classes.index(label)
    if (
        label.isascii()
        and label.isdigit()
        and len(label) <= 7
        and int(label) < (len(classes) if classes is not None else MAX_LABEL)
    ):
        return int(label)
    expected = f"0 to {len(classes) - 1}, or a line of {CLASSES_FILE}" if classes is not None else "a number from 0"
    raise FileFault(f"{where}: the label {label[:60]!r} is no class", f"expected {expected}")
