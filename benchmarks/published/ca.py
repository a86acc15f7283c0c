"""Coordinate attention as published."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pocketbench.blocks.attention.coordinate import CoordinateAttention


class PublishedCoordinateAttention(nn.Module):
    """The mean of each row and column, permuted into one strip, encoded together, split again.

    Shape: (N, C, H, W) to the same.

    Source: the authors' code, houqb/CoordAttention, coordatt.py.
    """

    def __init__(self, block: CoordinateAttention) -> None:
        super().__init__()
        self.size = block.size
        self.pool_h = nn.AdaptiveAvgPool2d((None, 1))
        self.pool_w = nn.AdaptiveAvgPool2d((1, None))
        self.conv1, self.bn1 = block.conv1, block.bn1
        self.conv_h, self.conv_w = block.conv_h, block.conv_w
        self.gate = block.gate

    def forward(self, x: Tensor) -> Tensor:
        height, width = self.size
        rows = self.pool_h(x)
        columns = self.pool_w(x).permute(0, 1, 3, 2)
        y = self.bn1(self.conv1(torch.cat([rows, columns], dim=2)))
        y = y * (functional.relu6(y + 3) / 6)
        rows, columns = torch.split(y, [height, width], dim=2)
        a_h = self.gate(self.conv_h(rows))
        a_w = self.gate(self.conv_w(columns.permute(0, 1, 3, 2)))
        scaled: Tensor = x * a_w * a_h
        return scaled
