"""Efficient multi-scale attention.

Ouyang, He, Zhang, Luo, Guo, Zhan, Huang: "Efficient Multi-Scale Attention Module with Cross-Spatial Learning",
ICASSP 2023, arXiv:2305.13563.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pocketbench.blocks.arguments import check_channels, check_map, check_parts, check_reduction, check_size
from pocketbench.blocks.attention.mean_pool import make_mean_pool
from pocketbench.blocks.gates import make_gate


class EfficientMultiScaleAttention(nn.Module):
    """Scale each position of a group of channels by a gate that two branches agree on.

    For each group, all with the same weights:
    y = gn(x * gate(conv1x1(mean of x over W)) * gate(conv1x1(mean of x over H))), z = conv3x3(x),
    x * gate(softmax(mean(y))^T z + softmax(mean(z))^T y), softmax over the group's channels.

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C, a multiple of `reduction`.
        size: (H, W), the one map size that the block accepts.
        reduction: G, the groups; the layers have m = C / G channels.
        gate: "hard_sigmoid" or "sigmoid", for all three.

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: section 3 of the paper; the names of the weights are those of the official EMA, which calls
        G the factor.
    Differs: 8 groups where the official default is 32, which the channels of mobile networks are rarely a multiple of;
        the default gate is hard.
    Cost: 10 m^2 + 4 m parameters, (9 m + 2) C H W + (H + W) C m MACs; in the form for files (lowering/merged_ema.py)
        11 C H W + (H + W + 9) C m.
    """

    def __init__(self, channels: int, size: tuple[int, int], *, reduction: int = 8, gate: str = "hard_sigmoid") -> None:
        super().__init__()
        check_channels(channels)
        check_reduction(reduction, channels)
        check_parts(channels, reduction, "groups")
        self.channels, self.size, self.groups = channels, check_size(size), reduction
        height, width = size
        self.width = channels // reduction
        self.pool_h = nn.AvgPool2d((1, width))
        self.pool_w = nn.AvgPool2d((height, 1))
        self.mean = make_mean_pool(size)
        self.conv1x1 = nn.Conv2d(self.width, self.width, 1)
        self.gn = nn.GroupNorm(self.width, self.width)
        self.conv3x3 = nn.Conv2d(self.width, self.width, 3, padding=1)
        self.gate = make_gate(gate)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        groups = x.reshape(-1, self.width, *self.size)  # (N G, m, H, W)
        strips = torch.cat([self.pool_h(groups), self.pool_w(groups).transpose(2, 3)], 2)
        rows, columns = torch.split(self.conv1x1(strips), list(self.size), 2)
        y = groups * self.gate(rows) * self.gate(columns.transpose(2, 3))
        # torch's GroupNorm refuses a map of one position; the formula does not
        y = torch.group_norm(y, self.width, self.gn.weight, self.gn.bias, self.gn.eps)
        z = self.conv3x3(groups)
        scores = (self.mean(y).softmax(1) * z + self.mean(z).softmax(1) * y).sum(1, keepdim=True)  # (N G, 1, H, W)
        scaled: Tensor = (groups * self.gate(scores)).reshape(-1, self.channels, *self.size)
        return scaled
