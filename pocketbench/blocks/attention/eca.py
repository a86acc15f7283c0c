"""Efficient channel attention.

Wang, Wu, Zhu, Li, Zuo, Hu: "ECA-Net: Efficient Channel Attention for Deep Convolutional Neural Networks", CVPR 2020,
arXiv:1910.03151.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from pocketbench.blocks.arguments import check_channels, check_map, check_size
from pocketbench.blocks.attention.channel_convolution import ChannelConvolution
from pocketbench.blocks.attention.mean_pool import make_mean_pool
from pocketbench.blocks.gates import make_gate


class EfficientChannelAttention(nn.Module):
    """Scale each channel by a gate of the means of its k neighbours: x * gate(conv1d over channels(mean(x))).

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts.
        gate: "hard_sigmoid" or "sigmoid".

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: equations 9 and 12 of the paper; the official weight `conv.weight` of shape (1, 1, k) loads.
    Differs: the default gate is hard. In a file the convolution stands in the form of channel_convolution.py.
    Cost: k parameters, k C MACs.
    """

    def __init__(self, channels: int, size: tuple[int, int], *, gate: str = "hard_sigmoid") -> None:
        super().__init__()
        check_channels(channels)
        self.channels, self.size = channels, check_size(size)
        self.pool = make_mean_pool(size)
        self.conv = ChannelConvolution(channels, eca_kernel_size(channels))
        self.gate = make_gate(gate)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        scores = self.conv(self.pool(x))  # (N, C, 1, 1)
        scaled: Tensor = x * self.gate(scores)
        return scaled


def eca_kernel_size(channels: int) -> int:
    """k = |(log2 C + 1) / 2|, cut to a whole number, plus 1 when that is even."""
    size = int(abs((math.log2(channels) + 1) / 2))
    return size if size % 2 else size + 1
