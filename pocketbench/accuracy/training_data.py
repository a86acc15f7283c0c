"""The two splits that a network is trained and judged on, whole in memory as bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor

from pocketbench.accuracy.datasets.catalog import open_dataset
from pocketbench.accuracy.datasets.dataset import DataSet, check_classes, read_framed, refuse_unreadable
from pocketbench.accuracy.preprocessing_rules import check_preprocessing
from pocketbench.core.errors import FileFault, UsageError
from pocketbench.core.records import Preprocessing
from pocketbench.core.units import format_bytes

MAX_BYTES = 8 * 10**9


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Shape: pictures (N, C, H, W) of uint8, labels (N)."""

    pictures: Tensor
    labels: Tensor


@dataclass(frozen=True, kw_only=True)
class TrainingData:
    name: str
    sha256: str
    train: Examples
    test: Examples


def read_training_data(text: str, preprocessing: Preprocessing, class_count: int) -> TrainingData:
    """Both splits of a data set, for a network of so many classes.

    Raises:
        UsageError: when the classes do not fit, or the data set is too large to be kept in memory.
        FileFault: when the data set, or one picture of it, can't be read, or its splits are the same.
    """
    check_preprocessing(preprocessing)
    train, test = (open_dataset(text, split) for split in ("train", "test"))
    if train.class_names != test.class_names:
        raise FileFault(f"{train.name}: its splits have different classes", "name a data set of one kind")
    if train.sha256 == test.sha256:
        raise FileFault(f"{train.name}: both splits hold the same pictures", "keep pictures apart to judge with")
    for dataset in (train, test):
        check_classes(dataset, class_count)
        size = len(dataset) * preprocessing.channels * preprocessing.size[0] * preprocessing.size[1]
        if size > MAX_BYTES:
            raise UsageError(
                f"{dataset.name}, {dataset.split}: {format_bytes(size)} of pictures",
                f"training keeps them in memory, at most {format_bytes(MAX_BYTES)}: choose a smaller input",
            )
    return TrainingData(
        name=train.name,
        sha256=hash_pair(train, test),
        train=read_examples(train, preprocessing),
        test=read_examples(test, preprocessing),
    )


def hash_pair(train: DataSet, test: DataSet) -> str:
    """Identifies a data set by both of its splits."""
    return hashlib.sha256(f"{train.sha256} {test.sha256}".encode()).hexdigest()


def read_examples(dataset: DataSet, preprocessing: Preprocessing) -> Examples:
    framed = read_framed(dataset, preprocessing)
    refuse_unreadable(dataset, framed)
    return Examples(pictures=torch.from_numpy(framed.pixels), labels=torch.from_numpy(framed.labels))
