"""A squeeze-and-excitation with another network's inner activation is lowered with that activation."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pocketbench.blocks.factory import make_block
from pocketbench.blocks.lowering.lower import lower_model
from pocketbench.core.targets import FORM_TARGETS


@pytest.mark.parametrize("size", [(7, 7), (28, 28)], ids=str)
@pytest.mark.parametrize("activation", [nn.ReLU6, nn.ReLU, nn.SiLU, nn.Hardswish])
@pytest.mark.parametrize("target", FORM_TARGETS)
def test_the_inner_activation_stays(target: str, activation: type[nn.Module], size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    block = make_block("se", channels=64, size=size, reduction=4)
    block.conv[1] = activation()
    block.conv[0].bias.data += torch.linspace(-8, 12, 16)  # beyond 6 and below 0
    network = nn.Sequential(block, nn.Conv2d(64, 16, 1, bias=False), nn.BatchNorm2d(16)).double().eval()
    x = torch.randn(2, 64, *size, dtype=torch.float64)
    with torch.no_grad():
        expected, found = network(x), lower_model(network, target)(x)
        assert torch.allclose(found, expected, rtol=1e-6, atol=1e-6)  # torch's own hard sigmoid has a 1/6 of float32
        block.conv[1] = nn.Identity()
        assert not torch.allclose(network(x), expected, rtol=1e-3)
