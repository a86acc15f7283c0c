"""GALA: global and local attention.

Linsley, Shiebler, Eberhardt, Serre: "Learning what and where to attend", ICLR 2019, arXiv:1805.08819.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pocketbench.blocks.arguments import check_channels, check_map, check_reduction, check_size
from pocketbench.blocks.attention.mean_pool import make_mean_pool


class GALA(nn.Module):
    """Scale each value by its channel's and its position's scores, summed and multiplied: x * tanh(a (g + s) + m g s).

    g = W2 relu(W1 mean(x) + b1) + b2, one number a channel; s = V2 relu(V1 x + c1) + c2, one a position; a and m are
    learned, one number each a channel. The factors lie between -1 and 1: the block can turn a sign.

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts.
        reduction: r; both hidden layers have C // r channels.

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: the paper's module; r = 4, the biases and the start of a and m are those of the official gala_tpu.
    Differs: the sum is computed as (a + m g) s + a g, the same with two operators over the whole map instead of five.
        That code puts a 5x5 convolution between V1 and V2 and by default a sigmoid in place of the paper's tanh. The
        loss that draws the attention to where people look is no part of the block.
    Cost: with h = C // r, 3 C h + 3 C + 3 h + 1 parameters, 2 C h + (C h + h) H W MACs, and a tanh for each value of
        the map.
    """

    def __init__(self, channels: int, size: tuple[int, int], *, reduction: int = 4) -> None:
        super().__init__()
        check_channels(channels)
        check_reduction(reduction, channels)
        self.channels, self.size = channels, check_size(size)
        hidden = channels // reduction
        self.pool = make_mean_pool(size)
        self.what = nn.Sequential(nn.Conv2d(channels, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, channels, 1))
        self.where = nn.Sequential(nn.Conv2d(channels, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, 1, 1))
        self.sum_weight = nn.Parameter(torch.empty(1, channels, 1, 1))
        self.product_weight = nn.Parameter(torch.empty(1, channels, 1, 1))
        for weight in (self.sum_weight, self.product_weight):
            nn.init.trunc_normal_(weight)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        g = self.what(self.pool(x))  # (N, C, 1, 1)
        s = self.where(x)  # (N, 1, H, W)
        scores = s * (self.sum_weight + self.product_weight * g) + self.sum_weight * g  # (N, C, H, W)
        return x * torch.tanh(scores)
