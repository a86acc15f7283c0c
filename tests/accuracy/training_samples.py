"""A data set that a small network learns: pictures of 16 x 16 with a bright bar above, in the middle or below."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import torch

from pocketbench.accuracy.recipe import Framing, Recipe
from pocketbench.accuracy.train import TrainingJob
from pocketbench.accuracy.training_data import Examples, TrainingData
from pocketbench.core.records import ModelSpec

RECIPE = Recipe(
    framing=Framing(mean=(0.3,), std=(0.3,)), epoch_count=3, batch_size=32, learning_rate=0.05, shift=1, flip=True
)
SPEC = ModelSpec(backbone="tests.accuracy.nets:build_small", input_shape=(1, 1, 16, 16))
JOB = TrainingJob(spec=SPEC, recipe=RECIPE, seed=3)


def draw_bars(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Shape: (N, 16, 16) of uint8, (N) of uint8."""
    source = np.random.default_rng(seed)
    labels = source.integers(0, 3, count).astype(np.uint8)
    pictures = source.integers(0, 120, (count, 16, 16)).astype(np.uint8)
    for picture, label in zip(pictures, labels, strict=True):
        picture[label * 5 : label * 5 + 5] += 100
    return pictures, labels


def make_examples(count: int, seed: int) -> Examples:
    pictures, labels = draw_bars(count, seed)
    return Examples(pictures=torch.from_numpy(pictures[:, None]), labels=torch.from_numpy(labels.astype(np.int64)))


def make_data(name: str = "bars") -> TrainingData:
    return TrainingData(name=name, sha256=name, train=make_examples(330, 0), test=make_examples(90, 1))


def write_bars(folder: Path, train_count: int = 330, test_count: int = 90) -> None:
    """As IDX files, written by hand: magic number, sizes, bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, (name, count) in enumerate((("train", train_count), ("t10k", test_count))):
        pictures, labels = draw_bars(count, index)
        header = struct.pack(">IIII", 0x00000803, count, 16, 16)
        (folder / f"{name}-images-idx3-ubyte").write_bytes(header + pictures.tobytes())
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x00000801, count) + labels.tobytes())
