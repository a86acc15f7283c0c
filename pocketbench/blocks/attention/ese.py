"""Effective squeeze-and-excitation.

Lee, Park: "CenterMask: Real-Time Anchor-Free Instance Segmentation", CVPR 2020, arXiv:1911.06667;
there it is the block of VoVNetV2.
"""

from __future__ import annotations

from torch import Tensor, nn

from pocketbench.blocks.arguments import check_channels, check_map, check_size
from pocketbench.blocks.attention.mean_pool import make_mean_pool
from pocketbench.blocks.gates import make_gate


class EffectiveSqueezeExcitation(nn.Module):
    """Scale each channel by a gate of the means of all, without a hidden layer: x * gate(W mean(x) + b).

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts.
        gate: "hard_sigmoid" or "sigmoid".

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: the paper's eSE module. The weights `fc.weight` and `fc.bias` of the official VoVNetV2 load, and
        timm's too.
    Differs: the paper writes a sigmoid; the official code has the hard one, which is the default here too.
    Cost: C^2 + C parameters, C^2 MACs.
    """

    def __init__(self, channels: int, size: tuple[int, int], *, gate: str = "hard_sigmoid") -> None:
        super().__init__()
        check_channels(channels)
        self.channels, self.size = channels, check_size(size)
        self.pool = make_mean_pool(size)
        self.fc = nn.Conv2d(channels, channels, 1)
        self.gate = make_gate(gate)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        scores = self.fc(self.pool(x))  # (N, C, 1, 1)
        scaled: Tensor = x * self.gate(scores)
        return scaled
