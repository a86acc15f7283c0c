"""Squeeze-and-excitation.

Hu, Shen, Sun: "Squeeze-and-Excitation Networks", CVPR 2018, arXiv:1709.01507.
"""

from __future__ import annotations

from typing import Self

from torch import Tensor, nn

from pocketbench.blocks.arguments import check_channels, check_map, check_reduction, check_size
from pocketbench.blocks.attention.mean_pool import make_mean_pool
from pocketbench.blocks.gates import make_gate


class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate of the means of all: x * gate(W2 relu6(W1 mean(x) + b1) + b2).

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts.
        reduction: r; the hidden layer has C // r channels.
        gate: "hard_sigmoid" or "sigmoid".

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: equations 2 to 4 of the paper; its default ratio is 16.
    Differs: ReLU6 in place of ReLU, as in the official code of coordinate attention's MobileNetV2+SE (whose weight
        names `conv.0`, `conv.2` load); the default gate is hard.
    Cost: 2 C (C // r) + C // r + C parameters, 2 C (C // r) MACs.
    """

    def __init__(
        self, channels: int, size: tuple[int, int], *, reduction: int = 16, gate: str = "hard_sigmoid"
    ) -> None:
        super().__init__()
        check_channels(channels)
        check_reduction(reduction, channels)
        self.channels, self.size = channels, check_size(size)
        self.pool = make_mean_pool(size)
        self.conv = make_perceptron(channels, channels // reduction)
        self.gate = make_gate(gate)

    @classmethod
    def with_hidden(cls, hidden: int, channels: int, size: tuple[int, int], *, gate: str = "hard_sigmoid") -> Self:
        """The block with `hidden` channels in between, for networks whose width no ratio gives: MobileNetV3 rounds."""
        block = cls(channels, size, reduction=channels, gate=gate)
        block.conv = make_perceptron(channels, hidden)
        return block

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        scores = self.conv(self.pool(x))  # (N, C, 1, 1)
        scaled: Tensor = x * self.gate(scores)
        return scaled


def make_perceptron(channels: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(channels, hidden, 1), nn.ReLU6(), nn.Conv2d(hidden, channels, 1))
