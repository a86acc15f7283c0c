"""Efficient multi-scale attention against its formula, group by group, and its form for files."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from pocketbench.blocks.factory import make_block
from pocketbench.blocks.lowering.lower import lower_model
from pocketbench.blocks.lowering.merged_ema import MergedMultiScaleAttention
from pocketbench.blocks.model_facts import count_model_facts
from pocketbench.core.errors import UsageError
from pocketbench.core.targets import FORM_TARGETS
from tests.blocks.formula_checks import GATES, SIZES, check_gradients, check_output, make_random_block
from tests.blocks.reference import Gate, Weights
from tests.blocks.shifts import convolve, mix_channels

GROUPS = 4


def multi_scale(x: Tensor, weights: Weights, gate: Gate) -> Tensor:
    return torch.cat([attend(group, weights, gate) for group in x.chunk(GROUPS, 1)], 1)


def attend(x: Tensor, weights: Weights, gate: Gate) -> Tensor:
    height, width = x.shape[2:]
    strips = torch.cat([x.mean(3, keepdim=True), x.mean(2, keepdim=True).transpose(2, 3)], 2)
    encoded = mix_channels(strips, weights["conv1x1.weight"], weights["conv1x1.bias"])
    rows, columns = encoded.split([height, width], 2)
    y = x * gate(rows) * gate(columns.transpose(2, 3))
    y = (y - y.mean((2, 3), keepdim=True)) / torch.sqrt(y.var((2, 3), unbiased=False, keepdim=True) + 1e-5)
    y = y * weights["gn.weight"][:, None, None] + weights["gn.bias"][:, None, None]
    z = convolve(x, weights["conv3x3.weight"], weights["conv3x3.bias"])
    of_y, of_z = (functional.adaptive_avg_pool2d(branch, 1).flatten(1).softmax(1) for branch in (y, z))
    scores = torch.einsum("nc,nchw->nhw", of_y, z) + torch.einsum("nc,nchw->nhw", of_z, y)
    return x * gate(scores).unsqueeze(1)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_output_is_that_of_the_formula(size: tuple[int, int], gate: str) -> None:
    check_output("ema", multi_scale, 16, size, gate)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_gradients_are_those_of_the_formula(gate: str, training: bool) -> None:
    check_gradients("ema", multi_scale, gate, training=training, has_statistics=False, channels=16)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("channels", [8, 40])
def test_the_form_for_files_computes_the_block(channels: int, size: tuple[int, int], gate: str) -> None:
    block = make_random_block("ema", channels, size, gate).double()
    model = nn.Sequential(block, nn.ReLU())
    x = torch.randn(2, channels, *size, dtype=torch.float64)
    for target in FORM_TARGETS:
        lowered = lower_model(model, target)
        assert isinstance(lowered[0], MergedMultiScaleAttention)
        with torch.no_grad():
            assert torch.allclose(lowered(x), model(x), rtol=1e-6, atol=1e-6)


def test_the_form_for_files_has_the_stated_cost() -> None:
    block = make_block("ema", channels=96, size=(14, 14))
    inside = 11 * 96 * 196 + (14 + 14 + 9) * 96 * 12
    small_sum = 96  # the shifts of a group, on one position
    lowered = count_model_facts(MergedMultiScaleAttention(block), (1, 96, 14, 14))
    assert lowered.mac_count == inside + small_sum
    assert count_model_facts(block, (1, 96, 14, 14)).mac_count == 9 * 12 * 96 * 196 + (14 + 14) * 96 * 12


def test_groups_that_do_not_divide_the_channels_are_refused() -> None:
    with pytest.raises(UsageError, match=r"36 channels can't be cut into 8 equal groups \(expected a multiple of 8"):
        make_block("ema", channels=36, size=(7, 7))
