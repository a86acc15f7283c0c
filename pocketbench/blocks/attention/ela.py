"""Efficient local attention.

Xu, Wan: "ELA: Efficient Local Attention for Deep Convolutional Neural Networks", 2024, arXiv:2403.01123.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pocketbench.blocks.arguments import check_channels, check_map, check_size
from pocketbench.blocks.attention.folded_norm import fold_norm
from pocketbench.blocks.gates import make_gate

KERNEL_SIZE = 7


class EfficientLocalAttention(nn.Module):
    """Scale each position by a gate of its row and one of its column: x * (a_h * a_w).

    a_h = gate(bn(conv(mean of x over W))), a_w = gate(bn(conv(mean of x over H))); conv has 7 weights a channel, slides
    along the strip and is the same for both.

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts.
        gate: "hard_sigmoid" or "sigmoid".

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: the paper's ELA-B: kernel 7, one group a channel.
    Differs: BatchNorm, over both strips as one batch, in place of GroupNorm, which costs 4 BROADCAST_TO and 12 MUL in a
        TFLite file where BatchNorm disappears in the convolution. The paper chose GroupNorm for its accuracy: expect
        less than it reports. The default gate is hard.
    Cost: 9 C parameters, 7 C (H + W) MACs.
    """

    def __init__(self, channels: int, size: tuple[int, int], *, gate: str = "hard_sigmoid") -> None:
        super().__init__()
        check_channels(channels)
        self.channels, self.size = channels, check_size(size)
        height, width = size
        self.pool_h = nn.AvgPool2d((1, width))
        self.pool_w = nn.AvgPool2d((height, 1))
        self.conv = nn.Conv2d(
            channels, channels, (KERNEL_SIZE, 1), padding=(KERNEL_SIZE // 2, 0), groups=channels, bias=False
        )
        self.bn = nn.BatchNorm2d(channels)
        self.gate = make_gate(gate)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        rows = self.pool_h(x)  # (N, C, H, 1)
        columns = self.pool_w(x)  # (N, C, 1, W)
        if torch.compiler.is_exporting():
            rows, columns = self.encode_apart(rows, columns)
        else:
            rows, columns = self.encode_together(rows, columns)
        scaled: Tensor = x * (self.gate(rows) * self.gate(columns))
        return scaled

    def encode_together(self, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """Both strips as one batch of H + W positions for bn."""
        both = torch.cat([self.conv(rows), self.conv(columns.transpose(2, 3))], dim=2)  # (N, C, H + W, 1)
        rows, columns = torch.split(self.bn(both), list(self.size), dim=2)
        return rows, columns.transpose(2, 3)

    def encode_apart(self, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """The same outside training, with bn folded: the converters see two convolutions and nothing else."""
        weight, bias = fold_norm(self.conv, self.bn)
        reach = KERNEL_SIZE // 2
        rows = functional.conv2d(rows, weight, bias, padding=(reach, 0), groups=self.channels)
        columns = functional.conv2d(columns, weight.transpose(2, 3), bias, padding=(0, reach), groups=self.channels)
        return rows, columns
