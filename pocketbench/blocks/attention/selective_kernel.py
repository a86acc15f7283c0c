"""Large selective kernel attention.

Li, Hou, Zheng, Cheng, Yang, Li: "Large Selective Kernel Network for Remote Sensing Object Detection", ICCV 2023,
arXiv:2303.09030.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from pocketbench.blocks.arguments import check_channels, check_map, check_reduction, check_size
from pocketbench.blocks.attention.cbam import SplitConvolution
from pocketbench.blocks.gates import make_gate

SELECTION_KERNEL_SIZE = 7


class LargeSelectiveKernel(nn.Module):
    """Multiply by a mixture of two large convolutions, mixed anew at each position: x * conv(g_1 u_1 + g_2 u_2).

    v_1 = conv0(x), v_2 = conv_spatial(v_1), u_1 = conv1(v_1), u_2 = conv2(v_2),
    g_1 = gate(near_squeeze([mean of u; max of u])), g_2 = gate(far_squeeze(the same)), mean and max over the channels
    of both u. conv0 is a 5x5 depthwise convolution, conv_spatial a 7x7 depthwise one of dilation 3; those that squeeze
    are 7x7.

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts; parts of a kernel beyond the map see zeros.
        reduction: r; u_1 and u_2 have m = C // r channels.
        gate: "hard_sigmoid" or "sigmoid".

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: section 3 of the paper. The weights of the official LSKblock load; its ratio is 2. The layers around
        it in the network are no part of it.
    Differs: the official conv_squeeze is two convolutions here, and u_1 and u_2 are pooled each by itself: the same
        without concatenation and slices. The default gate is hard.
    Cost: 3 C m + 2 m + 77 C + 198 parameters, (3 C m + 74 C + 196) H W MACs.
    """

    def __init__(self, channels: int, size: tuple[int, int], *, reduction: int = 2, gate: str = "hard_sigmoid") -> None:
        super().__init__()
        check_channels(channels)
        check_reduction(reduction, channels)
        self.channels, self.size = channels, check_size(size)
        hidden = channels // reduction
        self.conv0 = nn.Conv2d(channels, channels, 5, padding=2, groups=channels)
        self.conv_spatial = nn.Conv2d(channels, channels, 7, padding=9, dilation=3, groups=channels)
        self.conv1 = nn.Conv2d(channels, hidden, 1)
        self.conv2 = nn.Conv2d(channels, hidden, 1)
        self.near_squeeze = SplitConvolution(2, 1, SELECTION_KERNEL_SIZE, padding=SELECTION_KERNEL_SIZE // 2)
        self.far_squeeze = SplitConvolution(2, 1, SELECTION_KERNEL_SIZE, padding=SELECTION_KERNEL_SIZE // 2)
        self.conv = nn.Conv2d(hidden, channels, 1)
        self.gate = make_gate(gate)
        self.register_load_state_dict_pre_hook(split_official_squeeze)  # type: ignore[no-untyped-call]

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        near = self.conv0(x)
        far = self.conv2(self.conv_spatial(near))  # (N, m, H, W)
        near = self.conv1(near)
        mean = 0.5 * (near.mean(1, keepdim=True) + far.mean(1, keepdim=True))  # (N, 1, H, W)
        maximum = near.amax(1, keepdim=True).maximum(far.amax(1, keepdim=True))
        near_gate = self.gate(self.near_squeeze(mean, maximum))  # (N, 1, H, W)
        far_gate = self.gate(self.far_squeeze(mean, maximum))
        scaled: Tensor = x * self.conv(near * near_gate + far * far_gate)
        return scaled


def split_official_squeeze(_module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """Split the official conv_squeeze, of two outputs, into near_squeeze and far_squeeze."""
    for kind in ("weight", "bias"):
        official = f"{prefix}conv_squeeze.{kind}"
        if official in state_dict:
            near, far = state_dict.pop(official).split(1)
            state_dict[f"{prefix}near_squeeze.{kind}"] = near
            state_dict[f"{prefix}far_squeeze.{kind}"] = far
