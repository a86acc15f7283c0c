"""Efficient channel attention as published."""

from __future__ import annotations

from torch import Tensor, nn

from pocketbench.blocks.attention.eca import EfficientChannelAttention


class PublishedECA(nn.Module):
    """Global mean, a convolution of one dimension over the channels.

    Shape: (N, C, H, W) to the same.

    Source: the authors' code, BangguWu/ECANet, models/eca_module.py.
    """

    def __init__(self, block: EfficientChannelAttention) -> None:
        super().__init__()
        size = block.conv.weight.shape[-1]
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.conv = nn.Conv1d(1, 1, size, padding=size // 2, bias=False)
        self.conv.weight.data = block.conv.weight.data.clone()
        self.gate = block.gate

    def forward(self, x: Tensor) -> Tensor:
        y = self.avg_pool(x)
        y = self.conv(y.squeeze(-1).transpose(-1, -2)).transpose(-1, -2).unsqueeze(-1)
        scaled: Tensor = x * self.gate(y)
        return scaled
