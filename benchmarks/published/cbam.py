"""CBAM and its two parts as published."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.published.linear import make_linear
from pocketbench.blocks.attention.cbam import CBAM, ChannelAttention, SpatialAttention


class PublishedChannelAttention(nn.Module):
    """Mean and maximum of each channel, each through the linear layers.

    Shape: (N, C, H, W) to the same.

    Source: the authors' code, Jongchan/attention-module, MODELS/cbam.py, ChannelGate.
    """

    def __init__(self, block: ChannelAttention) -> None:
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.mlp = nn.Sequential(nn.Flatten(), make_linear(block.mlp[0]), block.mlp[1], make_linear(block.mlp[2]))
        self.gate = block.gate

    def forward(self, x: Tensor) -> Tensor:
        mean = self.mlp(self.avg_pool(x))
        maximum = self.mlp(x.amax((2, 3), keepdim=True))
        scale = self.gate(mean + maximum).unsqueeze(2).unsqueeze(3)
        scaled: Tensor = x * scale
        return scaled


class PublishedSpatialAttention(nn.Module):
    """Mean and maximum over the channels, concatenated, through the 7x7 convolution.

    Shape: (N, C, H, W) to the same.

    Source: equation 3 of the paper, and SpatialGate of the same file, whose BatchNorm is not in the paper.
    """

    def __init__(self, block: SpatialAttention) -> None:
        super().__init__()
        size = block.conv.kernel_size[0]
        self.spatial = nn.Conv2d(2, 1, size, padding=size // 2)
        self.spatial.weight, self.spatial.bias = block.conv.weight, block.conv.bias
        self.gate = block.gate

    def forward(self, x: Tensor) -> Tensor:
        compressed = torch.cat((x.mean(1, keepdim=True), x.amax(1, keepdim=True)), dim=1)
        scaled: Tensor = x * self.gate(self.spatial(compressed))
        return scaled


class PublishedCBAM(nn.Module):
    """Channel attention, then spatial attention.

    Shape: (N, C, H, W) to the same.
    """

    def __init__(self, block: CBAM) -> None:
        super().__init__()
        self.channel = PublishedChannelAttention(block.channel)
        self.spatial = PublishedSpatialAttention(block.spatial)

    def forward(self, x: Tensor) -> Tensor:
        refined: Tensor = self.spatial(self.channel(x))
        return refined
