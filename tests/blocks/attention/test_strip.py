"""Strip pooling against its formula in the official order: adaptive pools, expansion to the map, sum."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tests.blocks.formula_checks import GATES, SIZES, check_gradients, check_output
from tests.blocks.reference import Gate, Weights
from tests.blocks.shifts import convolve, mix_channels


def strip_pooling(x: Tensor, weights: Weights, gate: Gate, *, training: bool = False) -> Tensor:
    def normalise(y: Tensor, name: str) -> Tensor:
        statistics = (weights[f"{name}.running_mean"], weights[f"{name}.running_var"])
        return functional.batch_norm(y, *statistics, weights[f"{name}.weight"], weights[f"{name}.bias"], training)

    rows = normalise(convolve(functional.adaptive_avg_pool2d(x, (None, 1)), weights["conv1.weight"]), "bn1")
    columns = normalise(convolve(functional.adaptive_avg_pool2d(x, (1, None)), weights["conv2.weight"]), "bn2")
    fused = torch.relu(rows.expand_as(x) + columns.expand_as(x))
    return x * gate(mix_channels(fused, weights["conv3.weight"], weights["conv3.bias"]))


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_output_is_that_of_the_formula(size: tuple[int, int], gate: str) -> None:
    check_output("strip", strip_pooling, 16, size, gate)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_gradients_are_those_of_the_formula(gate: str, training: bool) -> None:
    check_gradients("strip", strip_pooling, gate, training=training, has_statistics=True, channels=8)
