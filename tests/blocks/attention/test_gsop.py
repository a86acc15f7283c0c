"""Global second-order pooling against its formula: covariances summed position by position."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from pocketbench.blocks.factory import make_block
from tests.blocks.formula_checks import GATES, SIZES, check_gradients, check_output
from tests.blocks.reference import Gate, Weights
from tests.blocks.shifts import mix_channels


def second_order_pooling(x: Tensor, weights: Weights, gate: Gate, *, training: bool = False) -> Tensor:
    def normalise(y: Tensor, name: str) -> Tensor:
        statistics = (weights[f"{name}.running_mean"], weights[f"{name}.running_var"])
        return functional.batch_norm(y, *statistics, weights[f"{name}.weight"], weights[f"{name}.bias"], training)

    y = mix_channels(x, weights["conv_for_DR.weight"], weights["conv_for_DR.bias"])
    y = torch.relu(normalise(y, "bn_for_DR"))
    positions = y.shape[2] * y.shape[3]
    second_moments = torch.einsum("nihw,njhw->nij", y, y) / positions
    means = y.mean((2, 3))
    covariances = second_moments - torch.einsum("ni,nj->nij", means, means)
    rows = normalise(covariances.unsqueeze(3), "row_bn").squeeze(3)
    channels = rows.shape[1]
    kernels = weights["row_conv_group.weight"].reshape(channels, 4, channels)
    of_rows = torch.einsum("nij,ioj->nio", rows, kernels).flatten(1) + weights["row_conv_group.bias"]
    fc = weights["fc_adapt_channels.weight"].flatten(1)
    return x * gate(functional.linear(of_rows, fc, weights["fc_adapt_channels.bias"]))[:, :, None, None].expand_as(x)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_output_is_that_of_the_formula(size: tuple[int, int], gate: str) -> None:
    check_output("gsop", second_order_pooling, 16, size, gate)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_gradients_are_those_of_the_formula(gate: str, training: bool) -> None:
    check_gradients("gsop", second_order_pooling, gate, training=training, has_statistics=True, channels=16)


def test_the_papers_128_channels_have_the_official_shapes() -> None:
    block = make_block("gsop", channels=256, size=(4, 4), reduction=2)
    shapes = {name: tuple(value.shape) for name, value in block.named_parameters() if name.endswith("weight")}
    assert shapes == {
        "conv_for_DR.weight": (128, 256, 1, 1),
        "bn_for_DR.weight": (128,),
        "row_bn.weight": (128,),
        "row_conv_group.weight": (512, 1, 128, 1),
        "fc_adapt_channels.weight": (256, 512, 1, 1),
    }
