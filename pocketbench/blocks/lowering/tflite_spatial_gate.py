"""The 7x7 convolution of CBAM's spatial attention, from 2 channels to 1, in forms that fill XNNPACK's vectors.

As published each multiplication fills one lane of a vector: the convolution takes nearly half of what the block costs.
Here neighbouring positions stand in the channels, b of a row or b x b of the map; its weights become a banded matrix
(in two dimensions) between the positions of a block and those of its neighbours.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pocketbench.blocks.attention.cbam import KERNEL_SIZE, SpatialAttention
from pocketbench.blocks.lowering.tflite_gates import split_gate

REACH = KERNEL_SIZE // 2
TILE = 4


class RowGate(nn.Module):
    """The gate of the positions without its constant factor, whole rows as channels: no transpose at all.

    Shape: (N, H, W) twice, the mean and the maximum over the channels, to (N, H, W, 1).

    Args:
        scale: a factor of the two maps, which goes into the weights.

    Cost: 14 W^2 weights, 14 H W^2 MACs.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, block: SpatialAttention, width: int, scale: float) -> None:
        super().__init__()
        kernel = scale * block.conv.weight.detach()[0]  # (2, 7, 7)
        band = band_of(width, 1).to(kernel)[..., 0]  # (7, W, W)
        weight = torch.einsum("cyk,koi->ociy", kernel, band).flatten(1, 2)  # (W, 2 W, 7)
        self.register_buffer("weight", weight[..., None].contiguous())
        self.register_buffer("bias", repeat_bias(block.conv, width))
        self.open, self.factor = split_gate(block.gate)

    def forward(self, mean: Tensor, maximum: Tensor) -> Tensor:
        rows = torch.cat([mean, maximum], 2)[:, :, None]  # (N, H, 1, 2 W)
        scores = functional.conv2d(rows.permute(0, 3, 1, 2), self.weight, self.bias, padding=(REACH, 0))
        gate: Tensor = self.open(scores).permute(0, 2, 3, 1)  # (N, H, 1, W)
        return gate.reshape(*mean.shape, 1)


class TileGate(nn.Module):
    """The gate of the positions without its constant factor, tiles of 4 x 4 positions as channels of a 3x3 convolution.

    Shape: (N, H, W) twice, the mean and the maximum over the channels, to (N, H, W, 1); H and W multiples of 4.

    Args:
        scale: a factor of the two maps, which goes into the weights.

    Cost: 4608 weights, 288 H W MACs.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, block: SpatialAttention, scale: float) -> None:
        super().__init__()
        kernel = scale * block.conv.weight.detach()[0]  # (2, 7, 7)
        band = band_of(TILE, 3).to(kernel)  # (7, 4, 4, 3)
        weight = torch.einsum("ckl,kyjs,lxit->yxcjist", kernel, band, band)
        self.register_buffer("weight", weight.reshape(TILE * TILE, 2 * TILE * TILE, 3, 3).contiguous())
        self.register_buffer("bias", repeat_bias(block.conv, TILE * TILE))
        self.open, self.factor = split_gate(block.gate)

    def forward(self, mean: Tensor, maximum: Tensor) -> Tensor:
        _, height, width = mean.shape
        high, wide = height // TILE, width // TILE
        maps = torch.stack([mean, maximum], 1).reshape(-1, 2, high, TILE, wide, TILE)
        tiles = maps.permute(0, 2, 4, 1, 3, 5).reshape(-1, high, wide, 2 * TILE * TILE)
        scores = functional.conv2d(tiles.permute(0, 3, 1, 2), self.weight, self.bias, padding=1)
        gate: Tensor = self.open(scores).permute(0, 2, 3, 1)  # (N, H / 4, W / 4, 16)
        return gate.reshape(-1, high, wide, TILE, TILE).permute(0, 1, 3, 2, 4).reshape(-1, height, width, 1)


def band_of(block: int, taps: int) -> Tensor:
    """1 where element k of the kernel connects output o of a block with input i of the block t - taps // 2 further.

    Shape: (7, block, block, taps), as k, o, i, t.
    """
    place = torch.arange(block)
    shift = block * (torch.arange(taps) - taps // 2)
    distance = place[:, None] - place[:, None, None] + shift  # (o, i, t)
    return (distance + REACH == torch.arange(KERNEL_SIZE)[:, None, None, None]).float()


def repeat_bias(convolution: nn.Conv2d, count: int) -> Tensor:
    assert convolution.bias is not None
    return convolution.bias.detach().repeat(count)
