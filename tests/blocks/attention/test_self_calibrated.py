"""Self-calibrated convolution against its formula, with torch's nearest interpolation."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from pocketbench.blocks.factory import make_block
from pocketbench.core.errors import UsageError
from tests.blocks.formula_checks import GATES, check_gradients, check_output
from tests.blocks.reference import Gate, Weights
from tests.blocks.shifts import convolve

SIZES = [(16, 12), (14, 14), (7, 7), (5, 9), (12, 4), (4, 4), (31, 6)]


def self_calibrated(x: Tensor, weights: Weights, gate: Gate, *, training: bool = False) -> Tensor:
    def layer(y: Tensor, name: str, index: int = 0) -> Tensor:
        norm = f"{name}.{index + 1}"
        statistics = (weights[f"{norm}.running_mean"], weights[f"{norm}.running_var"])
        y = convolve(y, weights[f"{name}.{index}.weight"])
        return functional.batch_norm(y, *statistics, weights[f"{norm}.weight"], weights[f"{norm}.bias"], training)

    straight, calibrated = x.chunk(2, 1)
    coarse = layer(functional.avg_pool2d(calibrated, 4, 4), "scconv.k2", 1)
    gates = gate(calibrated + functional.interpolate(coarse, x.shape[2:]))
    calibrated = layer(layer(calibrated, "scconv.k3") * gates, "scconv.k4").relu()
    return torch.cat([layer(straight, "k1").relu(), calibrated], 1)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_output_is_that_of_the_formula(size: tuple[int, int], gate: str) -> None:
    check_output("sc", self_calibrated, 8, size, gate)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_gradients_are_those_of_the_formula(gate: str, training: bool) -> None:
    check_gradients("sc", self_calibrated, gate, training=training, has_statistics=True, channels=8)


def test_odd_channels_and_small_maps_are_refused() -> None:
    with pytest.raises(UsageError, match="7 channels can't be cut into 2 equal halves"):
        make_block("sc", channels=7, size=(8, 8))
    with pytest.raises(UsageError, match=r"\(8, 3\) is smaller than the pool of 4 x 4"):
        make_block("sc", channels=8, size=(8, 3))
