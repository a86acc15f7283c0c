"""Whether the labels of a data set are the classes that a file has scores for."""

from __future__ import annotations

from pocketbench.accuracy.datasets.class_folders import CLASSES_FILE
from pocketbench.accuracy.datasets.dataset import DataSet
from pocketbench.core.errors import UsageError

BACKGROUND_CLASSES = 1001
"""ImageNet as TensorFlow numbers it: class 0 is "background", and every other class one higher."""


def find_first_class(dataset: DataSet, class_count: int) -> int:
    """The file's class that the label 0 means: 1 for a file with a background class before ImageNet's, else 0.

    Raises: UsageError when labels and classes do not fit.
    """
    highest = int(dataset.labels.max())
    known = len(dataset.class_names) if dataset.class_names is not None else None
    first = 1 if class_count == BACKGROUND_CLASSES and known in (None, 1000) and highest < 1000 else 0
    if highest >= class_count:
        raise UsageError(
            f"labels that do not fit the classes: {dataset.name} has the label {highest}, the file has {class_count}"
            f" classes, 0 to {class_count - 1}",
            "judge it by the data that it was trained for, or export it with more classes",
        )
    if known is not None and known + first != class_count:
        raise UsageError(
            f"labels that do not fit the classes: {dataset.name} has {known} classes, the file {class_count}",
            f"if it has a part of the file's classes only, write all of them into {CLASSES_FILE} in its folder, in the"
            " file's order, a line each",
        )
    return first
