"""What is known of trained weights: kept as JSON in the .safetensors file that holds them. Needs no torch."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path

from pocketbench.accuracy.recipe import Recipe
from pocketbench.core.errors import FileFault
from pocketbench.core.jsonio import parse_record
from pocketbench.core.records import ModelSpec, Preprocessing

METADATA_KEY = "pocketbench.training"
MAX_HEADER_BYTES = 100_000_000
"""As much as the safetensors library itself accepts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochResult:
    """One epoch: the mean loss over its steps, then top-1 on the test split. `busy_s` is CPU time, on a GPU time."""

    train_loss: float
    top1_fraction: float
    busy_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How weights came about. Two trainings with the same spec, recipe, data, seed, torch and machine give the same
    weights, bit by bit. `spec` is the network's; `finished_at` is ISO 8601, UTC."""

    spec: ModelSpec
    recipe: Recipe
    recipe_sha256: str
    preprocessing: Preprocessing
    dataset: str
    dataset_sha256: str
    train_count: int
    test_count: int
    seed: int
    epochs: tuple[EpochResult, ...]
    device: str
    machine: str | None
    tools: dict[str, str]
    finished_at: str

    @property
    def top1_fraction(self) -> float:
        """After the last epoch: no epoch is chosen by its result on the test split."""
        return self.epochs[-1].top1_fraction


def read_training(path: Path) -> Training | None:
    """What a checkpoint says of its training; None for a file that pocketbench did not train.

    Raises: FileFault when it can't be read.
    """
    if path.suffix.lower() != ".safetensors":
        return None
    text = read_metadata(path).get(METADATA_KEY)
    return parse_record(text, Training, str(path)) if text is not None else None


def read_metadata(path: Path) -> dict[str, str]:
    """The texts in the header of a .safetensors file. Raises: FileFault."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            content = file.read(length) if length <= MAX_HEADER_BYTES else b""
            header = json.loads(content) if len(content) == length else None
    except (OSError, struct.error, ValueError, RecursionError) as error:
        raise FileFault(f"{path} is no safetensors file: {error}", "copy or download it again") from error
    metadata = header.get("__metadata__", {}) if isinstance(header, dict) else None
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise FileFault(f"{path} is no safetensors file", "copy or download it again")
    return metadata
