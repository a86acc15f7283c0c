"""Concurrent spatial and channel squeeze-and-excitation against its formula."""

from __future__ import annotations

import pytest
from torch import Tensor
from torch.nn import functional

from tests.blocks.formula_checks import GATES, SIZES, check_gradients, check_output
from tests.blocks.reference import Gate, Weights, matrix


def spatial_channel_squeeze_excitation(x: Tensor, weights: Weights, gate: Gate) -> Tensor:
    z = functional.adaptive_avg_pool2d(x, 1).flatten(1)
    hidden = functional.linear(z, matrix(weights["channel.0.weight"]), weights["channel.0.bias"]).relu()
    channel = gate(functional.linear(hidden, matrix(weights["channel.2.weight"]), weights["channel.2.bias"]))
    spatial = gate(functional.conv2d(x, weights["spatial.weight"], weights["spatial.bias"]))
    return x * channel[:, :, None, None].expand_as(x) + x * spatial.expand_as(x)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_output_is_that_of_the_formula(size: tuple[int, int], gate: str) -> None:
    for channels in (16, 72):
        check_output("scse", spatial_channel_squeeze_excitation, channels, size, gate)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_gradients_are_those_of_the_formula(gate: str, training: bool) -> None:
    check_gradients("scse", spatial_channel_squeeze_excitation, gate, training=training, has_statistics=False)
