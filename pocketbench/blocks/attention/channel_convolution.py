"""A convolution that runs over the channels of a pooled map, and its form for files.

Over channels the kernel w slides as over pixels: y_i = sum over d of w_d p_(i + d - r), r = k // 2, zeros outside. As
a convolution of one dimension this takes channels for positions: two reshapes in every file format. As a 1x1
convolution it takes a banded matrix of C x C weights: 3.7 MB for 960 channels, nearly all zeros. The form written here
needs neither. The matrix falls into a block diagonal, blocks of B channels, and few entries across the seams between
neighbouring blocks:

    y = tile p + put seam pick p

`tile` is a 1x1 convolution in C / B groups. `pick` selects the first and last r channels of each block, `seam` lets
neighbouring blocks exchange them, `put` adds them where they belong; `pick` and `put` are grouped too. Each of these
weights is w times a constant of zeros and ones, which the converters fold into one constant.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

# Up to this many channels the whole matrix takes 16 kB or less, and one convolution beats four smaller ones.
DENSE_CHANNELS = 64


class ChannelConvolution(nn.Conv1d):
    """A convolution without bias over the channel axis of a pooled map, `kernel_size` weights in all.

    Shape: (N, C, 1, 1) to the same.

    Args:
        channels: C.
        kernel_size: k, odd.

    Cost: k parameters, k C MACs; in an exported file C B + 4 r C + (2 r C / B)^2 stored weights (52,800 for 960
        channels and k = 5), and as many MACs.
    """

    tile_taps: Tensor
    seam_taps: Tensor
    pick: Tensor
    put: Tensor

    def __init__(self, channels: int, kernel_size: int) -> None:
        super().__init__(1, 1, kernel_size, padding=kernel_size // 2, bias=False)
        self.channels = channels
        reach = kernel_size // 2
        block = choose_block_size(channels, reach)
        self.block_count = channels // block
        self.register_buffer("tile_taps", tile_taps(channels, block, kernel_size), persistent=False)
        if self.block_count > 1:
            self.register_buffer("seam_taps", seam_taps(channels, block, kernel_size), persistent=False)
            ends = torch.eye(block)[[*range(reach), *range(block - reach, block)]]  # (2 r, B)
            self.register_buffer("pick", ends.repeat(self.block_count, 1)[:, :, None, None], persistent=False)
            self.register_buffer("put", ends.t().repeat(self.block_count, 1)[:, :, None, None], persistent=False)

    def forward(self, pooled: Tensor) -> Tensor:
        if torch.compiler.is_exporting():
            return self.convolve_in_blocks(pooled)
        line = pooled.reshape(-1, 1, self.channels)  # (N, 1, C)
        return super().forward(line).reshape(-1, self.channels, 1, 1)  # (N, C, 1, 1)

    def convolve_in_blocks(self, pooled: Tensor) -> Tensor:
        """The same sums in 1x1 convolutions."""
        kernel = self.weight.reshape(-1, 1, 1, 1, 1)  # (k, 1, 1, 1, 1)
        tile = (kernel * self.tile_taps).sum(0)  # (C, B, 1, 1)
        inside = functional.conv2d(pooled, tile, groups=self.block_count)
        if self.block_count == 1:
            return inside
        seam = (kernel * self.seam_taps).sum(0)  # (2 r C / B, 2 r C / B, 1, 1)
        ends = functional.conv2d(pooled, self.pick, groups=self.block_count)  # (N, 2 r C / B, 1, 1)
        return inside + functional.conv2d(functional.conv2d(ends, seam), self.put, groups=self.block_count)


def choose_block_size(channels: int, reach: int) -> int:
    """The divisor of `channels` that leaves the fewest weights to store: C B + 4 r C + (2 r C / B)^2."""
    if channels <= DENSE_CHANNELS or reach == 0:
        return channels
    weights = {channels: channels * channels}
    for block in range(2 * reach, channels):
        if channels % block == 0:
            weights[block] = channels * block + 4 * reach * channels + (2 * reach * channels // block) ** 2
    return min(weights, key=lambda block: weights[block])


def tile_taps(channels: int, block: int, kernel_size: int) -> Tensor:
    """1 where weight d of the kernel connects a channel with one of its own block. Shape: (k, C, B, 1, 1)."""
    channel = torch.arange(channels)[:, None]
    return mark_taps(channel // block * block + torch.arange(block) - channel, kernel_size)


def seam_taps(channels: int, block: int, kernel_size: int) -> Tensor:
    """1 where weight d connects ends of different blocks. Shape: (k, 2 r C / B, 2 r C / B, 1, 1)."""
    reach = kernel_size // 2
    channel = torch.arange(channels)
    place = channel % block
    ends = channel[(place < reach) | (place >= block - reach)]
    taps = mark_taps(ends[None, :] - ends[:, None], kernel_size)
    return taps * (ends[None, :] // block != ends[:, None] // block)[:, :, None, None]


def mark_taps(distance: Tensor, kernel_size: int) -> Tensor:
    """1 where the distance between two channels is that of weight d. Shape: (a, b) to (k, a, b, 1, 1)."""
    offsets = torch.arange(kernel_size) - kernel_size // 2
    return (distance == offsets[:, None, None]).float()[..., None, None]
