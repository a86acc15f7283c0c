"""Attention-augmented convolution against its formula, head by head."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from pocketbench.blocks.factory import make_block
from pocketbench.core.errors import UsageError
from tests.blocks.formula_checks import SIZES, check_gradients, check_output
from tests.blocks.reference import Weights
from tests.blocks.shifts import convolve, mix_channels


def augmented_convolution(x: Tensor, weights: Weights) -> Tensor:
    query, key, value = (
        mix_channels(x, weights[f"{name}.weight"], weights[f"{name}.bias"]) for name in ("query", "key", "value")
    )
    heads = []
    for q, k, v in zip(query.chunk(4, 1), key.chunk(4, 1), value.chunk(4, 1), strict=True):
        scores = torch.einsum("ncij,nckl->nijkl", q, k) / math.sqrt(q.shape[1])
        attention = scores.flatten(3).softmax(3).view_as(scores)
        heads.append(torch.einsum("nijkl,nckl->ncij", attention, v))
    attended = mix_channels(torch.cat(heads, 1), weights["projection.weight"], weights["projection.bias"])
    return torch.cat([convolve(x, weights["conv.weight"], weights["conv.bias"]), attended], 1)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_output_is_that_of_the_formula(size: tuple[int, int]) -> None:
    check_output("aa", augmented_convolution, 16, size, None)


def test_gradients_are_those_of_the_formula() -> None:
    check_gradients("aa", augmented_convolution, None, training=False, has_statistics=False, channels=32)


@pytest.mark.parametrize(("channels", "values"), [(5, 4), (32, 4), (80, 8), (96, 8), (960, 96)])
def test_a_tenth_of_the_channels_comes_from_attention(channels: int, values: int) -> None:
    block = make_block("aa", channels=channels, size=(2, 2), reduction=min(10, channels))
    assert (block.conv.out_channels, block.query.out_channels) == (channels - values, 2 * values)


def test_a_share_that_leaves_nothing_to_convolve_is_refused() -> None:
    with pytest.raises(UsageError, match="reduction 1 gives 32 of 32 channels"):
        make_block("aa", channels=32, size=(2, 2), reduction=1)
    with pytest.raises(UsageError, match="more than 4 channels"):
        make_block("aa", channels=4, size=(2, 2), reduction=2)
