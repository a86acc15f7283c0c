"""CBAM for XNNPACK.

The spatial gate is applied behind the projection, whose map has a sixth of the channels: a factor of each position
commutes with a 1x1 convolution; only the bias has to wait.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from pocketbench.blocks.attention.cbam import CBAM, SpatialAttention
from pocketbench.blocks.lowering.site import Form, Site, projection_of
from pocketbench.blocks.lowering.tflite_cbam_channel import PoolsGate
from pocketbench.blocks.lowering.tflite_channel_gate import scale_weights
from pocketbench.blocks.lowering.tflite_spatial_gate import TILE, RowGate, TileGate
from pocketbench.blocks.lowering.weights import bias_of

SpatialGate = RowGate | TileGate
MakeSpatialGate = Callable[[SpatialAttention, Site, float], SpatialGate]

# The matrix between two rows has 7 x 2 W^2 weights, 57 kB for 32 positions.
WIDEST_ROW = 32


class GatedBehind(nn.Module):
    """q * project(y) + b, y = x * gate of the channels, q = the gate of y's positions.

    Shape: (N, C, H, W) to (N, O, H, W).
    """

    bias: Tensor

    def __init__(self, site: Site, make_spatial: MakeSpatialGate) -> None:
        super().__init__()
        assert isinstance(site.block, CBAM)
        self.channel = PoolsGate(site.block.channel)
        self.spatial = make_spatial(site.block.spatial, site, self.channel.factor)
        projection = projection_of(site)
        self.projection = scale_weights(projection, self.channel.factor * self.spatial.factor)
        self.projection.bias = None
        self.register_buffer("bias", bias_of(projection))

    def forward(self, x: Tensor) -> Tensor:
        pixels = x.permute(0, 2, 3, 1)
        refined = pixels * self.channel(pixels)
        gate = self.spread(self.spatial(refined.mean(3), refined.amax(3)))
        projected = self.projection(refined.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)  # (N, H, W, O)
        gated: Tensor = projected * gate + self.bias
        return gated.permute(0, 3, 1, 2)

    def spread(self, gate: Tensor) -> Tensor:
        """Shape: (N, H, W, 1) to what broadcasts to (N, H, W, O)."""
        return gate


class SpreadBehind(GatedBehind):
    """The same; the gate of the positions is written once for each channel, by a depthwise convolution of ones.

    A factor that changes with every position and holds for a few channels alone keeps XNNPACK's loops short.
    """

    ones: Tensor

    def __init__(self, site: Site, make_spatial: MakeSpatialGate) -> None:
        super().__init__(site, make_spatial)
        self.register_buffer("ones", torch.ones_like(self.bias)[:, None, None, None])  # (O, 1, 1, 1)

    def spread(self, gate: Tensor) -> Tensor:
        return functional.conv2d(gate.permute(0, 3, 1, 2), self.ones).permute(0, 2, 3, 1)


class GatedAlone(nn.Module):
    """y * q, where no projection follows.

    Shape: (N, C, H, W) to the same.
    """

    def __init__(self, site: Site, make_spatial: MakeSpatialGate) -> None:
        super().__init__()
        assert isinstance(site.block, CBAM)
        self.channel = PoolsGate(site.block.channel)
        self.spatial = make_spatial(site.block.spatial, site, self.channel.factor)
        self.factor = self.channel.factor * self.spatial.factor

    def forward(self, x: Tensor) -> Tensor:
        pixels = x.permute(0, 2, 3, 1)
        refined = pixels * self.channel(pixels)
        gate = self.spatial(refined.mean(3), refined.amax(3))  # (N, H, W, 1)
        scaled: Tensor = refined * (gate * self.factor)
        return scaled.permute(0, 3, 1, 2)


def make_tile_gate(block: SpatialAttention, _site: Site, scale: float) -> TileGate:
    return TileGate(block, scale)


def make_row_gate(block: SpatialAttention, site: Site, scale: float) -> RowGate:
    return RowGate(block, site.size[1], scale)


def has_short_rows(site: Site) -> bool:
    return site.size[1] <= WIDEST_ROW


def falls_into_tiles(site: Site) -> bool:
    return site.size[0] % TILE == 0 and site.size[1] % TILE == 0


TILES_BEHIND = Form(
    name="spatial gate behind the projection, its convolution over tiles of 4 x 4",
    build=lambda site: SpreadBehind(site, make_tile_gate),
    takes_projection=True,
)
ROWS_BEHIND = Form(
    name="spatial gate behind the projection, its convolution over rows",
    build=lambda site: GatedBehind(site, make_row_gate),
    takes_projection=True,
)
TILES_ALONE = Form(
    name="spatial convolution over tiles of 4 x 4",
    build=lambda site: GatedAlone(site, make_tile_gate),
)
ROWS_ALONE = Form(name="spatial convolution over rows", build=lambda site: GatedAlone(site, make_row_gate))
