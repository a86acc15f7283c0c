"""Large selective kernel attention against its formula, and the official weights."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pocketbench.blocks.factory import make_block
from tests.blocks.formula_checks import GATES, SIZES, check_gradients, check_output
from tests.blocks.reference import Gate, Weights, sigmoid
from tests.blocks.shifts import convolve, convolve_depthwise, mix_channels


def large_selective_kernel(x: Tensor, weights: Weights, gate: Gate) -> Tensor:
    near = convolve_depthwise(x, weights["conv0.weight"], weights["conv0.bias"])
    far = convolve_depthwise(near, weights["conv_spatial.weight"], weights["conv_spatial.bias"], dilation=3)
    near = mix_channels(near, weights["conv1.weight"], weights["conv1.bias"])
    far = mix_channels(far, weights["conv2.weight"], weights["conv2.bias"])
    both = torch.cat([near, far], 1)
    pooled = torch.cat([both.mean(1, keepdim=True), both.max(1, keepdim=True).values], 1)
    if "conv_squeeze.weight" in weights:
        kernel, bias = weights["conv_squeeze.weight"], weights["conv_squeeze.bias"]
    else:
        kernel, bias = (
            torch.cat([weights[f"{name}_squeeze.{kind}"] for name in ("near", "far")]) for kind in ("weight", "bias")
        )
    gates = gate(convolve(pooled, kernel, bias))
    mixed = near * gates[:, 0].unsqueeze(1) + far * gates[:, 1].unsqueeze(1)
    return x * mix_channels(mixed, weights["conv.weight"], weights["conv.bias"])


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_output_is_that_of_the_formula(size: tuple[int, int], gate: str) -> None:
    check_output("lsk", large_selective_kernel, 16, size, gate)


@pytest.mark.parametrize("gate", GATES)
def test_gradients_are_those_of_the_formula(gate: str) -> None:
    check_gradients("lsk", large_selective_kernel, gate, training=False, has_statistics=False, channels=8)


def test_official_weights_load() -> None:
    torch.manual_seed(0)
    shapes = {
        "conv0.weight": (8, 1, 5, 5),
        "conv0.bias": (8,),
        "conv_spatial.weight": (8, 1, 7, 7),
        "conv_spatial.bias": (8,),
        "conv1.weight": (4, 8, 1, 1),
        "conv1.bias": (4,),
        "conv2.weight": (4, 8, 1, 1),
        "conv2.bias": (4,),
        "conv_squeeze.weight": (2, 2, 7, 7),
        "conv_squeeze.bias": (2,),
        "conv.weight": (8, 4, 1, 1),
        "conv.bias": (8,),
    }
    official = {name: 0.3 * torch.randn(shape) for name, shape in shapes.items()}
    block = make_block("lsk", channels=8, size=(9, 6), gate="sigmoid").eval()
    block.load_state_dict(official)
    x = torch.randn(2, 8, 9, 6)
    with torch.no_grad():
        assert torch.allclose(block(x), large_selective_kernel(x, official, sigmoid), rtol=1e-4, atol=1e-5)
    assert list(official) == list(shapes)  # loading left the caller's dictionary as it was
