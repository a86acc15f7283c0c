"""BAM: a channel and a spatial branch side by side.

Park, Woo, Lee, Kweon: "BAM: Bottleneck Attention Module", BMVC 2018, arXiv:1807.06514.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from pocketbench.blocks.arguments import check_channels, check_map, check_reduction, check_size
from pocketbench.blocks.attention.mean_pool import make_mean_pool
from pocketbench.blocks.gates import make_gate

DILATION = 4

OFFICIAL_LAYERS = {
    "channel_att.gate_c.gate_c_fc_0": "channel_att.0",
    "channel_att.gate_c.gate_c_bn_1": "channel_att.1",
    "channel_att.gate_c.gate_c_fc_final": "channel_att.3",
    "spatial_att.gate_s.gate_s_conv_reduce0": "spatial_att.0",
    "spatial_att.gate_s.gate_s_bn_reduce0": "spatial_att.1",
    "spatial_att.gate_s.gate_s_conv_di_0": "spatial_att.3",
    "spatial_att.gate_s.gate_s_bn_di_0": "spatial_att.4",
    "spatial_att.gate_s.gate_s_conv_di_1": "spatial_att.6",
    "spatial_att.gate_s.gate_s_bn_di_1": "spatial_att.7",
    "spatial_att.gate_s.gate_s_conv_final": "spatial_att.9",
}
"""The official names of layers, and ours."""


class BAM(nn.Module):
    """Add the map scaled by a gate of a score per channel times a score per position: x * (1 + gate(c s)).

    c = W2 relu(bn(W1 mean(x))); s = four convolutions to C // r, C // r, C // r and 1 channels, kernels 1, 3, 3 and 1,
    the 3x3 ones dilated by 4, bn and relu after all but the last.

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts.
        reduction: r.
        gate: "hard_sigmoid" or "sigmoid".

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: the official bam.py, whose weights load; r = 16 and the dilation are the paper's.
    Differs: from the paper's equations 2 to 4 as that code does: they add c and s, and have one BatchNorm at the end
        of each branch. The default gate is hard.
    Cost: with m = C // r, 3 C m + 18 m^2 + C + 13 m + 1 parameters, 2 C m + (C m + 18 m^2 + m) H W MACs.
    """

    def __init__(
        self, channels: int, size: tuple[int, int], *, reduction: int = 16, gate: str = "hard_sigmoid"
    ) -> None:
        super().__init__()
        check_channels(channels)
        check_reduction(reduction, channels)
        self.channels, self.size = channels, check_size(size)
        hidden = channels // reduction
        self.pool = make_mean_pool(size)
        self.channel_att = nn.Sequential(
            nn.Conv2d(channels, hidden, 1), nn.BatchNorm2d(hidden), nn.ReLU(), nn.Conv2d(hidden, channels, 1)
        )
        self.spatial_att = nn.Sequential(
            nn.Conv2d(channels, hidden, 1),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
            *dilated_convolution(hidden),
            *dilated_convolution(hidden),
            nn.Conv2d(hidden, 1, 1),
        )
        self.gate = make_gate(gate)
        self.register_load_state_dict_pre_hook(rename_official_layers)  # type: ignore[no-untyped-call]

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        c = self.channel_att(self.pool(x))  # (N, C, 1, 1)
        s = self.spatial_att(x)  # (N, 1, H, W)
        scaled: Tensor = x * (1 + self.gate(c * s))
        return scaled


def dilated_convolution(channels: int) -> list[nn.Module]:
    convolution = nn.Conv2d(channels, channels, 3, padding=DILATION, dilation=DILATION)
    return [convolution, nn.BatchNorm2d(channels), nn.ReLU()]


def rename_official_layers(_module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """Number the official layers, and turn the linear ones into 1x1 convolutions."""
    for official, ours in OFFICIAL_LAYERS.items():
        for name in [name for name in state_dict if name.startswith(f"{prefix}{official}.")]:
            value, kind = state_dict.pop(name), name.rpartition(".")[2]
            state_dict[f"{prefix}{ours}.{kind}"] = value[:, :, None, None] if value.ndim == 2 else value
