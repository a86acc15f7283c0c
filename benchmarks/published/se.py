"""Squeeze-and-excitation as published."""

from __future__ import annotations

from torch import Tensor, nn

from benchmarks.published.linear import make_linear
from pocketbench.blocks.attention.se import SqueezeExcitation


class PublishedSE(nn.Module):
    """Global mean, two linear layers, a view back to a map.

    Shape: (N, C, H, W) to the same.

    Source: the PyTorch form that most code copies, moskomule/senet.pytorch, se_module.py.
    """

    def __init__(self, block: SqueezeExcitation) -> None:
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(make_linear(block.conv[0]), block.conv[1], make_linear(block.conv[2]), block.gate)

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, _, _ = x.shape
        y = self.avg_pool(x).view(batch, channels)
        y = self.fc(y).view(batch, channels, 1, 1)
        return x * y
