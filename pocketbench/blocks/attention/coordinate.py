"""Coordinate attention, and its one-directional parts.

Hou, Zhou, Feng: "Coordinate Attention for Efficient Mobile Network Design", CVPR 2021, arXiv:2103.02907.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from pocketbench.blocks.arguments import check_channels, check_map, check_reduction, check_size
from pocketbench.blocks.gates import make_gate

PAPERS_REDUCTION = 32
SMALLEST_HIDDEN = 8

# The official repository names the same layers in two ways.
NAMES_IN_MBV2_CA = {"conv2": "conv_h", "conv3": "conv_w"}


class StripAttention(nn.Module):
    """What the three blocks below share: the layer that encodes a strip, h(s) = hard_swish(bn1(conv1(s)))."""

    def __init__(self, channels: int, size: tuple[int, int], reduction: int, gate: str) -> None:
        super().__init__()
        check_channels(channels)
        check_reduction(reduction, channels, always_fits=PAPERS_REDUCTION)
        self.channels, self.size = channels, check_size(size)
        self.hidden = max(SMALLEST_HIDDEN, channels // reduction)
        self.conv1 = nn.Conv2d(channels, self.hidden, 1)
        self.bn1 = nn.BatchNorm2d(self.hidden)
        self.act = nn.Hardswish()
        self.gate = make_gate(gate)
        self.register_load_state_dict_pre_hook(rename_official_weights)  # type: ignore[no-untyped-call]

    def encode(self, strip: Tensor) -> Tensor:
        encoded: Tensor = self.act(self.bn1(self.conv1(strip)))
        return encoded


class CoordinateAttention(StripAttention):
    """Scale each position by a gate of its row and one of its column: x * (a_h * a_w).

    a_h = gate(conv_h(h(mean of x over W))), a_w = gate(conv_w(h(mean of x over H))), h(s) = hard_swish(bn1(conv1(s))).

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts.
        reduction: r; the hidden layer has m = max(8, C // r) channels.
        gate: "hard_sigmoid" or "sigmoid".

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: equations 4 to 9 of the paper; the names of the weights and the floor of 8 are those of the official
        coordatt.py. The names of the official mbv2_ca.py load too.
    Differs: outside training each strip goes through conv1 and bn1 by itself, which needs no concatenation and
        computes the same; the default gate is hard.
    Cost: m (3 C + 3) + 2 C parameters, 2 (H + W) C m MACs (conv1 counted for each strip).
    """

    def __init__(
        self, channels: int, size: tuple[int, int], *, reduction: int = PAPERS_REDUCTION, gate: str = "hard_sigmoid"
    ) -> None:
        super().__init__(channels, size, reduction, gate)
        height, width = size
        self.pool_h = nn.AvgPool2d((1, width))
        self.pool_w = nn.AvgPool2d((height, 1))
        self.conv_h = nn.Conv2d(self.hidden, channels, 1)
        self.conv_w = nn.Conv2d(self.hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        rows = self.pool_h(x)  # (N, C, H, 1)
        columns = self.pool_w(x)  # (N, C, 1, W)
        if self.training:
            rows, columns = self.encode_together(rows, columns)
        else:
            rows, columns = self.encode(rows), self.encode(columns)
        a_h = self.gate(self.conv_h(rows))  # (N, C, H, 1)
        a_w = self.gate(self.conv_w(columns))  # (N, C, 1, W)
        scaled: Tensor = x * (a_h * a_w)
        return scaled

    def encode_together(self, rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """Both strips as one batch of H + W positions: bn1's statistics in training are the paper's."""
        both = torch.cat([rows, columns.transpose(2, 3)], dim=2)  # (N, C, H + W, 1)
        rows, columns = torch.split(self.encode(both), list(self.size), dim=2)
        return rows, columns.transpose(2, 3)


class XAttention(StripAttention):
    """Coordinate attention with the horizontal pool alone: x * gate(conv_h(h(mean of x over W))).

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts.
        reduction: r; the hidden layer has m = max(8, C // r) channels.
        gate: "hard_sigmoid" or "sigmoid".

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: "X Attention" in table 1 of the paper; "X Avg Pool" is its name for the mean along the horizontal axis.
    Cost: m (2 C + 3) + C parameters, 2 H C m MACs.
    """

    def __init__(
        self, channels: int, size: tuple[int, int], *, reduction: int = PAPERS_REDUCTION, gate: str = "hard_sigmoid"
    ) -> None:
        super().__init__(channels, size, reduction, gate)
        self.pool_h = nn.AvgPool2d((1, size[1]))
        self.conv_h = nn.Conv2d(self.hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        a_h = self.gate(self.conv_h(self.encode(self.pool_h(x))))  # (N, C, H, 1)
        scaled: Tensor = x * a_h
        return scaled


class YAttention(StripAttention):
    """Coordinate attention with the vertical pool alone: x * gate(conv_w(h(mean of x over H))).

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts.
        reduction: r; the hidden layer has m = max(8, C // r) channels.
        gate: "hard_sigmoid" or "sigmoid".

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: "Y Attention" in table 1 of the paper; "Y Avg Pool" is its name for the mean along the vertical axis.
    Cost: m (2 C + 3) + C parameters, 2 W C m MACs.
    """

    def __init__(
        self, channels: int, size: tuple[int, int], *, reduction: int = PAPERS_REDUCTION, gate: str = "hard_sigmoid"
    ) -> None:
        super().__init__(channels, size, reduction, gate)
        self.pool_w = nn.AvgPool2d((size[0], 1))
        self.conv_w = nn.Conv2d(self.hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        a_w = self.gate(self.conv_w(self.encode(self.pool_w(x))))  # (N, C, 1, W)
        scaled: Tensor = x * a_w
        return scaled


def rename_official_weights(_module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """Rename conv2 and conv3, as the official mbv2_ca.py calls them, to conv_h and conv_w."""
    for official, ours in NAMES_IN_MBV2_CA.items():
        for kind in ("weight", "bias"):
            old, new = f"{prefix}{official}.{kind}", f"{prefix}{ours}.{kind}"
            if old in state_dict and new not in state_dict:
                state_dict[new] = state_dict.pop(old)
