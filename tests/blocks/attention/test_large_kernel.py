"""Large kernel attention against its formula: each convolution as a sum over shifted maps."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pocketbench.blocks.factory import make_block
from tests.blocks.formula_checks import SIZES, check_gradients, check_output
from tests.blocks.reference import Weights
from tests.blocks.shifts import convolve_depthwise, mix_channels


def large_kernel_attention(x: Tensor, weights: Weights) -> Tensor:
    y = convolve_depthwise(x, weights["conv0.weight"], weights["conv0.bias"], dilation=1)
    y = convolve_depthwise(y, weights["conv_spatial.weight"], weights["conv_spatial.bias"], dilation=3)
    return x * mix_channels(y, weights["conv1.weight"], weights["conv1.bias"])


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_output_is_that_of_the_formula(size: tuple[int, int]) -> None:
    check_output("lka", large_kernel_attention, 16, size, None)


def test_gradients_are_those_of_the_formula() -> None:
    check_gradients("lka", large_kernel_attention, None, training=False, has_statistics=False, channels=8)


def test_it_reaches_eleven_positions_in_each_direction() -> None:
    block = make_block("lka", channels=1, size=(41, 41))
    x = torch.zeros(1, 1, 41, 41, requires_grad=True)
    attention = block.conv1(block.conv_spatial(block.conv0(x)))
    (reached,) = torch.autograd.grad(attention[0, 0, 20, 20], x)
    places = reached[0, 0].nonzero()
    assert places.amin(0).tolist() == [20 - 11, 20 - 11]
    assert places.amax(0).tolist() == [20 + 11, 20 + 11]
