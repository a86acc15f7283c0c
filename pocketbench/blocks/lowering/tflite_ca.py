"""Coordinate attention and its one-directional parts for XNNPACK."""

from __future__ import annotations

import math

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pocketbench.blocks.attention.coordinate import CoordinateAttention, StripAttention, XAttention, YAttention
from pocketbench.blocks.lowering.site import Form, Site, projection_of
from pocketbench.blocks.lowering.tflite_channel_gate import scale_weights
from pocketbench.blocks.lowering.tflite_gates import split_gate

ROWS, COLUMNS = 2, 3  # of (N, C, H, W)


class StripGate(nn.Module):
    """The gates of all rows, or of all columns, without their constant factor.

    Shape: (N, C, H, W) to (N, C, H, 1), or (N, C, 1, W).

    Args:
        pooled: the axis that the mean is taken over.
    """

    def __init__(self, block: StripAttention, last: nn.Conv2d, pooled: int) -> None:
        super().__init__()
        self.first, self.last, self.pooled = fuse_conv_bn_eval(block.conv1, block.bn1), last, pooled
        self.open, self.factor = split_gate(block.gate)

    def forward(self, x: Tensor) -> Tensor:
        strip = x.mean(self.pooled, keepdim=True)
        gate: Tensor = self.open(self.last(functional.hardswish(self.first(strip))))
        return gate


class ProjectedStrips(nn.Module):
    """project(x * gates); the projection's weights hold the constant factors of all gates.

    Shape: (N, C, H, W) to (N, O, H, W).
    """

    def __init__(self, site: Site, gates: list[StripGate]) -> None:
        super().__init__()
        self.gates = nn.ModuleList(gates)
        self.projection = scale_weights(projection_of(site), math.prod(gate.factor for gate in gates))

    def forward(self, x: Tensor) -> Tensor:
        first, *others = (gate(x) for gate in self.gates)
        for other in others:
            first = first * other  # (N, C, H, W), from a row's and a column's
        projected: Tensor = self.projection(x * first)
        return projected


def build_both(site: Site) -> nn.Module:
    block = site.block
    assert isinstance(block, CoordinateAttention)
    return ProjectedStrips(site, [StripGate(block, block.conv_h, COLUMNS), StripGate(block, block.conv_w, ROWS)])


def build_rows(site: Site) -> nn.Module:
    assert isinstance(site.block, XAttention)
    return ProjectedStrips(site, [StripGate(site.block, site.block.conv_h, COLUMNS)])


def build_columns(site: Site) -> nn.Module:
    assert isinstance(site.block, YAttention)
    return ProjectedStrips(site, [StripGate(site.block, site.block.conv_w, ROWS)])


NAME = "the gates' factors in the projection"
BOTH = Form(name=NAME, build=build_both, takes_projection=True)
ROWS_ALONE = Form(name=NAME, build=build_rows, takes_projection=True)
COLUMNS_ALONE = Form(name=NAME, build=build_columns, takes_projection=True)
