"""Concurrent spatial and channel squeeze-and-excitation.

Roy, Navab, Wachinger: "Concurrent Spatial and Channel Squeeze & Excitation in Fully Convolutional Networks", MICCAI
2018, arXiv:1803.02579.
"""

from __future__ import annotations

from torch import Tensor, nn

from pocketbench.blocks.arguments import check_channels, check_map, check_reduction, check_size
from pocketbench.blocks.attention.mean_pool import make_mean_pool
from pocketbench.blocks.gates import make_gate


class SpatialChannelSqueezeExcitation(nn.Module):
    """The map scaled channel by channel plus the map scaled position by position: x * (c + s).

    c = gate(W2 relu(W1 mean(x) + b1) + b2), one number a channel; s = gate(v x + b), one a position.

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts.
        reduction: r; the hidden layer has C // r channels.
        gate: "hard_sigmoid" or "sigmoid", for both.

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: the paper's scSE, the sum of its cSE and sSE; its ratio is 2.
    Differs: the two gates are added before they meet the map, which is the paper's sum of two scaled maps with one
        multiplication less. The authors' later code takes the larger of the two maps instead, so that its weights
        mean something else. The default gate is hard.
    Cost: 2 C (C // r) + C // r + 2 C + 1 parameters, 2 C (C // r) + C H W MACs.
    """

    def __init__(self, channels: int, size: tuple[int, int], *, reduction: int = 2, gate: str = "hard_sigmoid") -> None:
        super().__init__()
        check_channels(channels)
        check_reduction(reduction, channels)
        self.channels, self.size = channels, check_size(size)
        hidden = channels // reduction
        self.pool = make_mean_pool(size)
        self.channel = nn.Sequential(nn.Conv2d(channels, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, channels, 1))
        self.spatial = nn.Conv2d(channels, 1, 1)
        self.gate = make_gate(gate)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        c = self.gate(self.channel(self.pool(x)))  # (N, C, 1, 1)
        s = self.gate(self.spatial(x))  # (N, 1, H, W)
        scaled: Tensor = x * (c + s)
        return scaled
