"""Criss-cross attention against its formula: for each position a loop over its row and column."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pocketbench.blocks.factory import make_block
from tests.blocks.formula_checks import SIZES, check_gradients, check_output, make_random_block
from tests.blocks.reference import Weights
from tests.blocks.shifts import mix_channels


def criss_cross(x: Tensor, weights: Weights) -> Tensor:
    for _ in range(2):
        x = x + weights["gamma"] * attend(x, weights)
    return x


def attend(x: Tensor, weights: Weights) -> Tensor:
    query, key, value = (
        mix_channels(x, weights[f"{name}_conv.weight"], weights[f"{name}_conv.bias"])
        for name in ("query", "key", "value")
    )
    height, width = x.shape[2:]
    sums = []
    for row in range(height):
        for column in range(width):
            cross = [(row, j) for j in range(width)] + [(i, column) for i in range(height) if i != row]
            rows, columns = zip(*cross, strict=True)
            scores = torch.einsum("nc,nck->nk", query[:, :, row, column], key[:, :, list(rows), list(columns)])
            sums.append(torch.einsum("nk,nck->nc", scores.softmax(1), value[:, :, list(rows), list(columns)]))
    return torch.stack(sums, 2).unflatten(2, (height, width))


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_output_is_that_of_the_formula(size: tuple[int, int]) -> None:
    check_output("cc", criss_cross, 8, size, None)


def test_gradients_are_those_of_the_formula() -> None:
    check_gradients("cc", criss_cross, None, training=False, has_statistics=False, channels=8)


def test_each_position_sees_all_others() -> None:
    block = make_random_block("cc", 8, (5, 6), None)
    with torch.no_grad():
        block.query_conv.weight.mul_(0.01)  # attention that is spread out
        block.query_conv.bias.zero_()
    x = torch.randn(1, 8, 5, 6, requires_grad=True)
    (seen,) = torch.autograd.grad(block(x)[0, :, 1, 2].sum(), x)
    assert (seen.abs().sum(1) > 0).all()


def test_it_starts_as_the_identity() -> None:
    block = make_block("cc", channels=8, size=(5, 4))
    x = torch.randn(2, 8, 5, 4)
    assert torch.equal(block(x), x)


def test_official_names_load() -> None:
    names = [f"{layer}_conv.{kind}" for layer in ("query", "key", "value") for kind in ("weight", "bias")]
    assert set(make_block("cc", channels=8, size=(5, 4)).state_dict()) == {"gamma", *names}
