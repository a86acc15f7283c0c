"""Efficient channel attention for XNNPACK: its convolution over channels as one that runs over blocks of channels.

y_i = sum over d of w_d p_(i + d - r) with i = B j + m becomes, over the blocks p_j of B channels, a convolution of one
dimension with three taps: y_j = sum over t of K_t p_(j + t - 1), K_t[m, n] = w_(B (t - 1) + n - m + r).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pocketbench.blocks.attention.channel_convolution import ChannelConvolution
from pocketbench.blocks.attention.eca import EfficientChannelAttention
from pocketbench.blocks.lowering.site import Form, Site
from pocketbench.blocks.lowering.tflite_channel_gate import FactoredGate, ProjectedGate
from pocketbench.blocks.lowering.tflite_gates import split_gate
from pocketbench.blocks.lowering.tflite_mean import average_positions

BLOCK_SIZE = 16


class NeighbourGate(nn.Module):
    """The gate of efficient channel attention without its constant factor.

    Shape: (N, H, W, C) to (N, 1, 1, C).
    """

    kernel: Tensor

    def __init__(self, block: EfficientChannelAttention) -> None:
        super().__init__()
        self.channels = block.channels
        self.register_buffer("kernel", block_kernel(block.conv))
        self.open, self.factor = split_gate(block.gate)

    def forward(self, pixels: Tensor) -> Tensor:
        blocks = average_positions(pixels).reshape(-1, 1, self.channels // BLOCK_SIZE, BLOCK_SIZE).permute(0, 3, 1, 2)
        gate: Tensor = self.open(functional.conv2d(blocks, self.kernel, padding=(0, 1)))  # (N, B, 1, C / B)
        return gate.permute(0, 2, 3, 1).reshape(-1, 1, 1, self.channels)


def block_kernel(convolution: ChannelConvolution) -> Tensor:
    """K. Shape: (B, B, 1, 3)."""
    taps = convolution.weight.detach().flatten()
    reach = len(taps) // 2
    place = torch.arange(BLOCK_SIZE)
    index = BLOCK_SIZE * torch.tensor([-1, 0, 1]) + (place - place[:, None])[..., None] + reach  # (B, B, 3)
    inside = (index >= 0) & (index < len(taps))
    return (taps[index.clamp(0, len(taps) - 1)] * inside)[:, :, None]


def fills_blocks(site: Site) -> bool:
    """Neighbours lie in the neighbouring block at the farthest: k // 2 <= B holds for every C."""
    return site.channels % BLOCK_SIZE == 0


def build_gate(site: Site) -> NeighbourGate:
    assert isinstance(site.block, EfficientChannelAttention)
    return NeighbourGate(site.block)


def build_projected(site: Site) -> nn.Module:
    gate = build_gate(site)
    return ProjectedGate(site, gate, gate.factor)


def build_alone(site: Site) -> nn.Module:
    gate = build_gate(site)
    return FactoredGate(gate, gate.factor)


PROJECTED = Form(
    name="convolution over blocks of channels, the gate's factor in the projection",
    build=build_projected,
    takes_projection=True,
)
ALONE = Form(name="convolution over blocks of channels", build=build_alone)
