"""The inputs by which the ranges of a quantised file's activations are set."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pocketbench.core import records
from pocketbench.export.parity import make_inputs

RANDOM_COUNT = 32
RANDOM_SEED = 1
"""Not the seed of the inputs that a file is verified on."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """`inputs` set the ranges; the file is verified on `checks`, which are others of the same kind.

    Shape: each (N, C, H, W), float32, as the network takes it.
    """

    inputs: Sequence[np.ndarray]
    checks: Sequence[np.ndarray]
    record: records.Calibration


def calibrate_randomly(input_shape: Sequence[int]) -> Calibration:
    """Inputs for a network whose weights were drawn, too: its file can be timed, and recognises nothing."""
    inputs: list[np.ndarray] = []
    while len(inputs) < RANDOM_COUNT:
        inputs += make_inputs(input_shape, RANDOM_SEED + len(inputs))
    digest = hashlib.sha256(b"".join(image.tobytes() for image in inputs)).hexdigest()
    return Calibration(
        inputs=inputs,
        checks=make_inputs(input_shape, 0),
        record=records.Calibration(source="random inputs", image_count=len(inputs), inputs_sha256=digest),
    )
