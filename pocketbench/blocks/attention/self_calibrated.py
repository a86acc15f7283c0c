"""Self-calibrated convolution.

Liu, Hou, Cheng, Wang, Feng: "Improving Convolutional Networks with Self-Calibrated Convolutions", CVPR 2020
(no arXiv version).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pocketbench.blocks.arguments import check_channels, check_map, check_parts, check_pool, check_size
from pocketbench.blocks.gates import make_gate

POOL_SIZE = 4


class SelfCalibratedConvolution(nn.Module):
    """A 3x3 convolution, half of it calibrated by a coarse view of the map: [k1(b); scconv(a)], x = [b; a].

    scconv(a) = k4(k3(a) * gate(a + up(k2(mean of a over 4 x 4)))). Each k is a 3x3 convolution without bias and a
    BatchNorm, k1 and k4 end in a ReLU; `up` repeats positions (nearest).

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C, even.
        size: (H, W), the one map size that the block accepts, at least (4, 4).
        gate: "hard_sigmoid" or "sigmoid".

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: section 3 of the paper, with its ratio of 4; the names of the weights and the order of BatchNorm and
        ReLU are those of the official SCBottleneck, whose 1x1 convolutions are no part of it.
    Differs: the default gate is hard.
    Cost: 9 C^2 + 4 C parameters, 6.75 C^2 H W + 2.25 C^2 (H // 4) (W // 4) MACs.
    """

    def __init__(self, channels: int, size: tuple[int, int], *, gate: str = "hard_sigmoid") -> None:
        super().__init__()
        check_channels(channels)
        check_parts(channels, 2, "halves")
        self.channels, self.size = channels, check_size(size)
        check_pool(size, POOL_SIZE)
        self.half_channels = channels // 2
        self.k1 = nn.Sequential(*convolution(self.half_channels), nn.ReLU())
        self.scconv = Calibration(self.half_channels, size, gate)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        return torch.cat([self.k1(x[:, : self.half_channels]), self.scconv(x[:, self.half_channels :])], 1)


class Calibration(nn.Module):
    """The calibrated half. Shape: (N, C / 2, H, W) to the same."""

    rows: Tensor
    columns: Tensor

    def __init__(self, channels: int, size: tuple[int, int], gate: str) -> None:
        super().__init__()
        height, width = size
        self.register_buffer("rows", repeat_matrix(height), persistent=False)
        self.register_buffer("columns", repeat_matrix(width).t().contiguous(), persistent=False)
        self.k2 = nn.Sequential(nn.AvgPool2d(POOL_SIZE), *convolution(channels))
        self.k3 = nn.Sequential(*convolution(channels))
        self.k4 = nn.Sequential(*convolution(channels), nn.ReLU())
        self.gate = make_gate(gate)

    def forward(self, x: Tensor) -> Tensor:
        # LiteRT's nearest resize takes other positions than torch's where the factor is no whole number
        coarse = self.rows @ self.k2(x) @ self.columns  # (N, C / 2, H, W)
        calibrated: Tensor = self.k4(self.k3(x) * self.gate(x + coarse))
        return calibrated


def convolution(channels: int) -> list[nn.Module]:
    return [nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)]


def repeat_matrix(length: int) -> Tensor:
    """1 where a position takes its value from a pooled one, floor(i p / length) for position i of p pooled ones.

    Shape: (length, length // 4).
    """
    pooled = length // POOL_SIZE
    sources = torch.arange(length) * pooled // length
    return (sources[:, None] == torch.arange(pooled)).float()
