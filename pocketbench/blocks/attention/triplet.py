"""Triplet attention.

Misra, Nalamada, Arasanipalai, Hou: "Rotate to Attend: Convolutional Triplet Attention Module", WACV 2021,
arXiv:2010.03045.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from pocketbench.blocks.arguments import check_channels, check_map, check_size
from pocketbench.blocks.attention.folded_norm import fold_norm
from pocketbench.blocks.gates import make_gate

KERNEL_SIZE = 7
OFFICIAL_MOMENTUM = 0.01


class TripletAttention(nn.Module):
    """Scale by the mean of three gates, one for each pair of axes: x * (a_cw + a_hc + a_hw) / 3.

    a = gate(bn(conv7x7([max; mean]))), both taken along the axis that the pair leaves out: a_cw along H, one number for
    each channel and column; a_hc along W; a_hw along C, as in CBAM.

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts.
        gate: "hard_sigmoid" or "sigmoid", for all three.

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: the paper's module; the weights of the official triplet_attention.py load.
    Differs: the pooled maps are turned instead of the whole ones, which a TFLite file shows as 6 RESHAPE in place of 9
        TRANSPOSE, and the gates are added before they meet the map. The default gate is hard.
    Cost: 300 parameters, 98 (C W + H C + H W) MACs in convolutions of single channels.
    """

    def __init__(self, channels: int, size: tuple[int, int], *, gate: str = "hard_sigmoid") -> None:
        super().__init__()
        check_channels(channels)
        self.channels, self.size = channels, check_size(size)
        height, width = size
        self.pool_h = nn.AvgPool2d((1, width))
        self.pool_w = nn.AvgPool2d((height, 1))
        self.cw, self.hc, self.hw = PairGate(gate), PairGate(gate), PairGate(gate)
        self.register_load_state_dict_pre_hook(adapt_official_gates)  # type: ignore[no-untyped-call]

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        # The channels last: the order in which LiteRT keeps maps.
        a_cw = self.cw(x.amax(2, keepdim=True).permute(0, 2, 3, 1), self.pool_w(x).permute(0, 2, 3, 1))  # (N, 1, W, C)
        a_hc = self.hc(x.amax(3, keepdim=True).permute(0, 3, 2, 1), self.pool_h(x).permute(0, 3, 2, 1))  # (N, 1, H, C)
        a_hw = self.hw(x.amax(1, keepdim=True), x.mean(1, keepdim=True))  # (N, 1, H, W)
        a_cw, a_hc = a_cw.permute(0, 3, 1, 2), a_hc.permute(0, 3, 2, 1)  # (N, C, 1, W), (N, C, H, 1)
        scaled: Tensor = x * (a_hw + a_cw + a_hc)
        return scaled


class PairGate(nn.Module):
    """A third of a gate of two maps: gate(bn(conv7x7([max; mean]))) / 3.

    Shape: (N, 1, height, width) twice to (N, 1, height, width).
    """

    def __init__(self, gate: str) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, KERNEL_SIZE, padding=KERNEL_SIZE // 2, bias=False)
        self.bn = nn.BatchNorm2d(1, momentum=OFFICIAL_MOMENTUM)
        self.gate = make_gate(gate)

    def forward(self, maximum: Tensor, mean: Tensor) -> Tensor:
        if torch.compiler.is_exporting():
            scores = self.convolve_apart(maximum, mean)
        else:
            scores = self.bn(self.conv(torch.cat([maximum, mean], 1)))
        third: Tensor = self.gate(scores) * (1 / 3)
        return third

    def convolve_apart(self, maximum: Tensor, mean: Tensor) -> Tensor:
        """The same outside training, without concatenating: one convolution each, with bn folded."""
        weight, bias = fold_norm(self.conv, self.bn)
        reach = KERNEL_SIZE // 2
        of_maximum = functional.conv2d(maximum, weight[:, :1], bias, padding=reach)
        return of_maximum + functional.conv2d(mean, weight[:, 1:], padding=reach)


def adapt_official_gates(_module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """Rename the official conv.conv and conv.bn, and turn the kernel of cw, which slides over (C, W) there."""
    for gate in ("cw", "hc", "hw"):
        for name in [name for name in state_dict if name.startswith(f"{prefix}{gate}.conv.")]:
            rest = name.removeprefix(f"{prefix}{gate}.conv.")
            if "." not in rest:  # ours
                continue
            value = state_dict.pop(name)
            turned = gate == "cw" and rest == "conv.weight"
            state_dict[f"{prefix}{gate}.{rest}"] = value.transpose(2, 3) if turned else value
