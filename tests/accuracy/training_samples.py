"""A data set that a small network learns: pictures of 16 x 16 with a bright bar above, in the middle or below."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import safetensors.numpy
import torch

from pocketbench.accuracy.recipe import Framing, Recipe, make_preprocessing
from pocketbench.accuracy.train import TrainingJob
from pocketbench.accuracy.training_data import Examples, TrainingData
from pocketbench.accuracy.training_record import EpochResult, Training
from pocketbench.core.jsonio import dump_record
from pocketbench.core.records import ModelSpec

RECIPE = Recipe(
    framing=Framing(mean=(0.3,), std=(0.3,)), epoch_count=3, batch_size=32, learning_rate=0.05, shift=1, flip=True
)
SPEC = ModelSpec(backbone="tests.accuracy.nets:build_small", input_shape=(1, 1, 16, 16))
JOB = TrainingJob(spec=SPEC, recipe=RECIPE, seed=3)


TRAINING = Training(
    spec=SPEC,
    recipe=RECIPE,
    recipe_sha256=RECIPE.sha256,
    preprocessing=make_preprocessing(RECIPE, SPEC),
    dataset="bars",
    dataset_sha256="0" * 64,
    train_count=330,
    test_count=90,
    seed=3,
    epochs=(EpochResult(train_loss=0.5, top1_fraction=0.9, busy_s=1.5),),
    device="cpu",
    machine=None,
    tools={"torch": "2.13.0"},
    finished_at="2026-01-02T03:04:05+00:00",
)


def write_weights(path: Path, training: Training, **weights: np.ndarray) -> None:
    """A file as a training leaves it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {"pocketbench.training": dump_record(training)}
    safetensors.numpy.save_file(weights or {"a": np.zeros(1, np.float32)}, path, metadata)


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
