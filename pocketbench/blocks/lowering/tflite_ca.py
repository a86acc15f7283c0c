"""Coordinate attention for XNNPACK: both strips in one sequence, without a transpose."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pocketbench.blocks.attention.coordinate import CoordinateAttention
from pocketbench.blocks.lowering.site import Form, Site, projection_of
from pocketbench.blocks.lowering.tflite_channel_gate import scale_weights
from pocketbench.blocks.lowering.tflite_gates import split_gate
from pocketbench.blocks.lowering.tflite_linear import make_linear


class SharedStrips(nn.Module):
    """project(x * (a_h * a_w)), strips of (N, H + W, C); the projection's weights hold the factors of both gates.

    Shape: (N, C, H, W) to (N, O, H, W).
    """

    def __init__(self, site: Site) -> None:
        super().__init__()
        block = site.block
        assert isinstance(block, CoordinateAttention)
        self.size = list(site.size)
        self.encoder = make_linear(fuse_conv_bn_eval(block.conv1, block.bn1))
        self.rows, self.columns = make_linear(block.conv_h), make_linear(block.conv_w)
        self.open, factor = split_gate(block.gate)
        self.projection = scale_weights(projection_of(site), factor * factor)

    def forward(self, x: Tensor) -> Tensor:
        pixels = x.permute(0, 2, 3, 1)
        strips = torch.cat([pixels.mean(2), pixels.mean(1)], 1)  # (N, H + W, C)
        rows, columns = torch.split(functional.hardswish(self.encoder(strips)), self.size, 1)
        a_h = self.open(self.rows(rows))[:, :, None]  # (N, H, 1, C)
        a_w = self.open(self.columns(columns))[:, None]  # (N, 1, W, C)
        projected: Tensor = self.projection((pixels * (a_h * a_w)).permute(0, 3, 1, 2))
        return projected


SHARED_STRIPS = Form(
    name="strips in one sequence, the gates' factors in the projection", build=SharedStrips, takes_projection=True
)
