"""Gather-excite with a global extent, with weights and without.

Hu, Shen, Albanie, Sun, Vedaldi: "Gather-Excite: Exploiting Feature Context in Convolutional Neural Networks", NeurIPS
2018, arXiv:1810.12348.
"""

from __future__ import annotations

from torch import Tensor, nn

from pocketbench.blocks.arguments import check_channels, check_map, check_size
from pocketbench.blocks.attention.mean_pool import make_mean_pool
from pocketbench.blocks.gates import make_gate


class GatherExcite(nn.Module):
    """Scale each channel by a gate of a weighted sum of its own positions: x * gate(bn(sum over H and W of w x)).

    This is GE-theta with the extent that the paper found best, the whole map: gathering is one depthwise convolution
    with a kernel as large as the map, and nothing has to be enlarged again.

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts.
        gate: "hard_sigmoid" or "sigmoid".

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: the paper's GE-theta; the layers are those of the official RN50-GEP.prototxt.
    Differs: the default gate is hard.
    Cost: C (H W + 2) parameters, C H W MACs.
    """

    def __init__(self, channels: int, size: tuple[int, int], *, gate: str = "hard_sigmoid") -> None:
        super().__init__()
        check_channels(channels)
        self.channels, self.size = channels, check_size(size)
        self.gather = nn.Conv2d(channels, channels, self.size, groups=channels, bias=False)
        self.bn = nn.BatchNorm2d(channels)
        self.gate = make_gate(gate)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        scores = self.bn(self.gather(x))  # (N, C, 1, 1)
        scaled: Tensor = x * self.gate(scores)
        return scaled


class ParameterFreeGatherExcite(nn.Module):
    """Scale each channel by a gate of its mean: x * gate(mean(x)).

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts.
        gate: "hard_sigmoid" or "sigmoid".

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: the paper's GE-theta- with the global extent.
    Differs: the default gate is hard.
    Cost: no parameters, no MACs.
    """

    def __init__(self, channels: int, size: tuple[int, int], *, gate: str = "hard_sigmoid") -> None:
        super().__init__()
        check_channels(channels)
        self.channels, self.size = channels, check_size(size)
        self.gather = make_mean_pool(size)
        self.gate = make_gate(gate)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        scaled: Tensor = x * self.gate(self.gather(x))
        return scaled
