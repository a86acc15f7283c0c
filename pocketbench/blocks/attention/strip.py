"""Strip pooling.

Hou, Zhang, Cheng, Feng: "Strip Pooling: Rethinking Spatial Pooling for Scene Parsing", CVPR 2020, arXiv:2003.13328.
"""

from __future__ import annotations

from torch import Tensor, nn

from pocketbench.blocks.arguments import check_channels, check_map, check_size
from pocketbench.blocks.gates import make_gate


class StripPooling(nn.Module):
    """Scale each position by a gate of its row and its column: x * gate(conv3(relu(rows + columns))).

    rows = bn1(conv1(mean of x over W)), columns = bn2(conv2(mean of x over H)); conv1 and conv2 have three weights
    along the strip, conv3 is 1x1.

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts.
        gate: "hard_sigmoid" or "sigmoid".

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: section 3.1 of the paper, the strip pooling module (SPM); the names of the weights and
        the BatchNorms are those of the official SPBlock.
    Differs: the default gate is hard.
    Cost: 7 C^2 + 5 C parameters, (3 (H + W) + H W) C^2 MACs.
    """

    def __init__(self, channels: int, size: tuple[int, int], *, gate: str = "hard_sigmoid") -> None:
        super().__init__()
        check_channels(channels)
        self.channels, self.size = channels, check_size(size)
        height, width = size
        self.pool1 = nn.AvgPool2d((1, width))
        self.conv1 = nn.Conv2d(channels, channels, (3, 1), padding=(1, 0), bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.pool2 = nn.AvgPool2d((height, 1))
        self.conv2 = nn.Conv2d(channels, channels, (1, 3), padding=(0, 1), bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()
        self.conv3 = nn.Conv2d(channels, channels, 1)
        self.gate = make_gate(gate)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        rows = self.bn1(self.conv1(self.pool1(x)))  # (N, C, H, 1)
        columns = self.bn2(self.conv2(self.pool2(x)))  # (N, C, 1, W)
        scaled: Tensor = x * self.gate(self.conv3(self.relu(rows + columns)))
        return scaled
