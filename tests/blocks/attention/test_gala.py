"""GALA against its formula."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tests.blocks.formula_checks import SIZES, check_gradients, make_random_block
from tests.blocks.reference import Weights, matrix


def gala(x: Tensor, weights: Weights) -> Tensor:
    def apply(name: str, y: Tensor) -> Tensor:
        return functional.linear(y, matrix(weights[f"{name}.weight"]), weights[f"{name}.bias"])

    channels_last = x.permute(0, 2, 3, 1)
    g = apply("what.2", apply("what.0", channels_last.mean((1, 2))).relu())[:, None, None, :].expand_as(channels_last)
    s = apply("where.2", apply("where.0", channels_last).relu()).expand_as(channels_last)
    a, m = weights["sum_weight"].flatten(), weights["product_weight"].flatten()
    return (channels_last * torch.tanh(a * (g + s) + m * (g * s))).permute(0, 3, 1, 2)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_output_is_that_of_the_formula(size: tuple[int, int]) -> None:
    """In float64: the block adds in another order, and scores of hundreds that cancel leave little of float32."""
    for channels in (16, 72):
        block = make_random_block("gala", channels, size, None).double()
        x = torch.randn(2, channels, *size, dtype=torch.float64)
        expected = gala(x, block.state_dict())
        assert torch.allclose(block(x), expected, rtol=1e-9, atol=1e-9)
        assert expected.abs().max() > 0.1
        assert not torch.allclose(expected, x, rtol=0.01)


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_gradients_are_those_of_the_formula(training: bool) -> None:
    check_gradients("gala", gala, None, training=training, has_statistics=False)
