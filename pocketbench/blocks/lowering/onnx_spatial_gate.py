"""The gate of CBAM's spatial part in ONNX."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pocketbench.blocks.attention.cbam import SpatialAttention

# A runtime computes 16 channels at a time: one of them costs as much as a tile of 4 x 4 positions.
TILES = (4, 3, 5, 7, 2)
LARGEST_POOL = 32
LONGEST_LINE = 1024


class SpatialGate(nn.Module):
    """gate(conv7x7([mean over C; max over C])), where the convolution computes a tile of positions at once.

    Its outputs for the positions of a tile are channels of one convolution, with the tile's side as its stride.

    Shape: (N, C, H, W) to (N, 1, H, W).
    """

    def __init__(self, block: SpatialAttention, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.mean, self.maximum = ChannelMean(channels, block.conv.weight.dtype), ChannelMaximum(channels, size)
        self.tile = choose_tile(size)
        self.conv = make_tiled_convolution(block.conv, self.tile)
        self.gate = block.gate

    def forward(self, x: Tensor) -> Tensor:
        both = torch.cat([self.mean(x), self.maximum(x)], 1)  # (N, 2, H, W)
        tiles = self.gate(self.conv(both))  # (N, tile^2, H / tile, W / tile)
        return tiles if self.tile == 1 else functional.pixel_shuffle(tiles, self.tile)


class ChannelMean(nn.Module):
    """The mean over the channels as a matrix product.

    onnxruntime's reduction over an outer axis takes 3 to 6 times as long.

    Shape: (N, C, H, W) to (N, 1, H, W).
    """

    weight: Tensor

    def __init__(self, channels: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.register_buffer("weight", torch.full((1, channels), 1 / channels, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        return (self.weight @ x.flatten(2)).reshape(-1, 1, *x.shape[2:])


class ChannelMaximum(nn.Module):
    """The maximum over the channels as a pool over groups of them, then a pool over the groups.

    onnxruntime's reduction over an outer axis takes 2 to 4 times as long. Its pool is quick up to 32 values, and
    over lines of up to 1024 positions.

    Shape: (N, C, H, W) to (N, 1, H, W).
    """

    def __init__(self, channels: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size
        self.line = (1, size[0] * size[1]) if size[0] * size[1] <= LONGEST_LINE else size
        self.groups = next(count for count in range(1, channels + 1) if fits_pool(channels, count))
        self.members = channels // self.groups

    def forward(self, x: Tensor) -> Tensor:
        grouped = x.reshape(-1, self.groups, self.members, *self.line)
        of_groups = functional.max_pool3d(grouped, (self.members, 1, 1))  # (N, groups, 1, H, W)
        if self.groups > LARGEST_POOL:
            maximum = of_groups.amax(1)
        else:
            maximum = functional.max_pool3d(of_groups.transpose(1, 2), (self.groups, 1, 1))
        return maximum.reshape(-1, 1, *self.size)


def fits_pool(channels: int, groups: int) -> bool:
    return channels % groups == 0 and channels // groups <= LARGEST_POOL


def choose_tile(size: tuple[int, int]) -> int:
    """The side of the first tile that fills a map without rest."""
    return next((tile for tile in TILES if size[0] % tile == 0 and size[1] % tile == 0), 1)


def make_tiled_convolution(convolution: nn.Conv2d, tile: int) -> nn.Conv2d:
    """The convolution that gives the positions (a, b) of each tile in its channel a tile + b."""
    weight = convolution.weight.detach()  # (1, 2, 7, 7)
    kernel = weight.shape[-1]
    side = kernel + tile - 1
    spread = weight.new_zeros(tile, tile, weight.shape[1], side, side)
    for row in range(tile):
        for column in range(tile):
            spread[row, column, :, row : row + kernel, column : column + kernel] = weight[0]
    tiled = nn.Conv2d(weight.shape[1], tile * tile, side, stride=tile, padding=kernel // 2)
    tiled.weight = nn.Parameter(spread.flatten(0, 1), requires_grad=False)
    assert convolution.bias is not None
    tiled.bias = nn.Parameter(convolution.bias.detach().repeat(tile * tile), requires_grad=False)
    return tiled
