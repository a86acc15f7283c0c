"""Each block against the paper's formula in its textbook form: outputs, gradients, and statistics in training."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from pocketbench.blocks.factory import make_block
from tests.blocks import reference

FORMULAS: dict[str, Callable[..., Tensor]] = {
    "se": reference.squeeze_excitation,
    "eca": reference.efficient_channel_attention,
    "cbam": reference.cbam,
    "cbam_channel": reference.channel_attention,
    "cbam_spatial": reference.spatial_attention,
    "ca": reference.coordinate_attention,
    "ca_x": reference.x_attention,
    "ca_y": reference.y_attention,
}
WITH_RATIO = {"se", "cbam", "cbam_channel", "ca", "ca_x", "ca_y"}
WITH_STATISTICS = {"ca", "ca_x", "ca_y"}
SIZES = [(14, 14), (7, 7), (5, 9), (12, 3), (1, 1), (1, 6)]


def make_random_block(name: str, channels: int, size: tuple[int, int], gate: str) -> nn.Module:
    """A block with weights large enough for the hard gates to reach both their ends."""
    torch.manual_seed(channels + size[0])
    reduction = 4 if name in WITH_RATIO else None
    block = make_block(name, channels=channels, size=size, reduction=reduction, gate=gate).eval()
    for key, value in block.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5 if "var" in key else torch.randn_like(value))
    return block


@pytest.mark.parametrize("gate", ["hard_sigmoid", "sigmoid"])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", FORMULAS)
def test_output_is_that_of_the_formula(name: str, size: tuple[int, int], gate: str) -> None:
    for channels in (16, 72):
        block = make_random_block(name, channels, size, gate)
        x = torch.randn(2, channels, *size)
        expected = FORMULAS[name](x, block.state_dict(), reference.GATES[gate])
        with torch.no_grad():
            assert torch.allclose(block(x), expected, rtol=1e-5, atol=1e-5)
        assert not torch.allclose(expected, x, rtol=0.01)  # the gate is not 1 everywhere


@pytest.mark.parametrize("gate", ["hard_sigmoid", "sigmoid"])
@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_gradients_are_those_of_the_formula(name: str, gate: str, training: bool) -> None:
    block = make_random_block(name, 72, (5, 9), gate).double().train(training)
    parameters = dict(block.named_parameters())
    weights = {key: value.clone() for key, value in block.state_dict().items()} | parameters
    x = torch.randn(3, 72, 5, 9, dtype=torch.float64, requires_grad=True)
    options = {"training": training} if name in WITH_STATISTICS else {}
    found = block(x)
    expected = FORMULAS[name](x, weights, reference.GATES[gate], **options)
    assert torch.allclose(found, expected, rtol=1e-9, atol=1e-9)
    direction = torch.randn_like(found)
    leaves = [x, *parameters.values()]
    for ours, theirs in zip(
        torch.autograd.grad(found, leaves, direction), torch.autograd.grad(expected, leaves, direction), strict=True
    ):
        assert torch.allclose(ours, theirs, rtol=1e-6, atol=1e-6)  # torch's own hard-sigmoid has a 1/6 of float32
        assert theirs.abs().max() > 0
    for key, value in block.state_dict().items():  # the running statistics after the step
        if "running" in key:
            assert torch.allclose(value, weights[key], rtol=1e-9, atol=1e-9)


def test_squeeze_excitation_has_the_printed_parameters() -> None:
    block = make_block("se", channels=24, size=(14, 14), reduction=4)
    assert sum(parameter.numel() for parameter in block.parameters()) == 318


def test_efficient_channel_attention_has_the_printed_parameters() -> None:
    block = make_block("eca", channels=512, size=(14, 14))
    assert sum(parameter.numel() for parameter in block.parameters()) == 5
    assert [tuple(value.shape) for value in block.state_dict().values()] == [(1, 1, 5)]
