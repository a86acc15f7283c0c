"""Large kernel attention.

Guo, Lu, Liu, Cheng, Hu: "Visual Attention Network", Computational Visual Media 2023, arXiv:2202.09741.
"""

from __future__ import annotations

from torch import Tensor, nn

from pocketbench.blocks.arguments import check_channels, check_map, check_size


class LargeKernelAttention(nn.Module):
    """Multiply by a convolution of 21 x 21 in three parts: x * conv1(conv_spatial(conv0(x))).

    conv0 is a 5x5 depthwise convolution, conv_spatial a 7x7 depthwise one of dilation 3, conv1 a 1x1 convolution.

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts; parts of the kernel beyond the map see zeros.

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: section 3.1 of the paper (kernel 21, dilation 3); the names of the weights are those of the
        official LKA. The 1x1 convolutions, GELU and shortcut that stand around it in the network are no part of it.
    Cost: C^2 + 77 C parameters, (C^2 + 74 C) H W MACs: as much as a 1x1 convolution that keeps the channels.
    """

    def __init__(self, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        check_channels(channels)
        self.channels, self.size = channels, check_size(size)
        self.conv0 = nn.Conv2d(channels, channels, 5, padding=2, groups=channels)
        self.conv_spatial = nn.Conv2d(channels, channels, 7, padding=9, dilation=3, groups=channels)
        self.conv1 = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        attention = self.conv1(self.conv_spatial(self.conv0(x)))  # (N, C, H, W)
        scaled: Tensor = x * attention
        return scaled
