"""Attention-augmented convolution.

Bello, Zoph, Vaswani, Shlens, Le: "Attention Augmented Convolutional Networks", ICCV 2019, arXiv:1904.09925.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pocketbench.blocks.arguments import check_channels, check_map, check_reduction, check_size
from pocketbench.blocks.attention.positions import to_map, to_positions
from pocketbench.core.errors import UsageError

HEADS = 4


class AttentionAugmentedConvolution(nn.Module):
    """A 3x3 convolution, some of whose channels come from self-attention: [conv(x); projection(heads)].

    Each head is softmax(q^T k / sqrt(d)) v, with its d channels of q = query(x), k = key(x) and v = value(x).

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts.
        reduction: r; V = C // r channels, down to a multiple of the 4 heads and at least 4, come from attention.

    Raises:
        UsageError: for an argument out of range or one that leaves no channel to the convolution, and at run time for
            a map of another shape.

    Source: sections 3.1 and 3.2 of the paper. Its share of values for ResNets is 0.1, that of keys twice as much.
    Differs: no relative positions (the paper compares both): the 3x3 convolution beside the heads knows where it is. 4
        heads in place of 8, for maps of few channels.
    Cost: 9 C (C - V) + 5 C V + V^2 + C + 5 V parameters, that many MACs a position and 3 V (H W)^2 more, an attention
        matrix of 4 (H W)^2 numbers.
    """

    def __init__(self, channels: int, size: tuple[int, int], *, reduction: int = 10) -> None:
        super().__init__()
        check_channels(channels)
        check_reduction(reduction, channels)
        self.channels, self.size = channels, check_size(size)
        values = max(HEADS, channels // reduction // HEADS * HEADS)
        if values >= channels:
            raise UsageError(
                f"reduction {reduction} gives {values} of {channels} channels to attention: none is left to convolve",
                f"expected a reduction of 2 or more and more than {HEADS} channels",
            )
        self.conv = nn.Conv2d(channels, channels - values, 3, padding=1)
        self.query = nn.Conv2d(channels, 2 * values, 1)
        self.key = nn.Conv2d(channels, 2 * values, 1)
        self.value = nn.Conv2d(channels, values, 1)
        self.projection = nn.Conv2d(values, values, 1)
        self.scale = (2 * values // HEADS) ** -0.5

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        queries, keys, values = (self.split_heads(layer(x)) for layer in (self.query, self.key, self.value))
        attention = (self.scale * queries @ keys.transpose(2, 3)).softmax(3)  # (N, heads, H W, H W)
        heads = (attention @ values).transpose(1, 2)  # (N, H W, heads, V / heads)
        together = heads.reshape(-1, heads.shape[1], self.projection.in_channels)  # (N, H W, V)
        return torch.cat([self.conv(x), self.projection(to_map(together, self.size))], 1)

    def split_heads(self, x: Tensor) -> Tensor:
        """Shape: (N, D, H, W) to (N, heads, H W, D / heads)."""
        positions = to_positions(x, self.size)
        return positions.reshape(-1, positions.shape[1], HEADS, positions.shape[2] // HEADS).transpose(1, 2)
