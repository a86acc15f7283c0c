"""The channel attention of CBAM for XNNPACK: both pools go through the mlp together."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pocketbench.blocks.attention.cbam import ChannelAttention
from pocketbench.blocks.lowering.site import Form, Site
from pocketbench.blocks.lowering.tflite_channel_gate import FactoredGate, ProjectedGate
from pocketbench.blocks.lowering.tflite_gates import split_gate
from pocketbench.blocks.lowering.tflite_mean import average_positions
from pocketbench.blocks.lowering.weights import make_linear


class PoolsGate(nn.Module):
    """f(W2 (relu(W1 mean + b1) + relu(W1 max + b1)) + 2 b2), the gate of the channels without its constant factor.

    Shape: (N, H, W, C) to (N, 1, 1, C).
    """

    def __init__(self, block: ChannelAttention) -> None:
        super().__init__()
        first, _, last = block.mlp
        assert isinstance(first, nn.Conv2d)
        assert isinstance(last, nn.Conv2d)
        self.first, self.last = make_linear(first), make_linear(last)
        self.last.bias = nn.Parameter(2 * self.last.bias.detach(), requires_grad=False)
        self.open, self.factor = split_gate(block.gate)

    def forward(self, pixels: Tensor) -> Tensor:
        pools = torch.stack([average_positions(pixels), pixels.amax((1, 2))], 1)  # (N, 2, C)
        hidden = functional.relu(self.first(pools)).sum(1)
        gate: Tensor = self.open(self.last(hidden))
        return gate[:, None, None]


def build_gate(site: Site) -> PoolsGate:
    assert isinstance(site.block, ChannelAttention)
    return PoolsGate(site.block)


def build_projected(site: Site) -> nn.Module:
    gate = build_gate(site)
    return ProjectedGate(site, gate, gate.factor)


def build_alone(site: Site) -> nn.Module:
    gate = build_gate(site)
    return FactoredGate(gate, gate.factor)


PROJECTED = Form(
    name="one mlp over both pools, the gate's factor in the projection", build=build_projected, takes_projection=True
)
ALONE = Form(name="one mlp over both pools", build=build_alone)
