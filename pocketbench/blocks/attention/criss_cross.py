"""Criss-cross attention.

Huang, Wang, Huang, Huang, Wei, Liu: "CCNet: Criss-Cross Attention for Semantic Segmentation", ICCV 2019,
arXiv:1811.11721.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pocketbench.blocks.arguments import check_channels, check_map, check_reduction, check_size

RECURRENCES = 2

# Far below any score, and a number of float16: exp gives 0 in each precision, without an infinity.
MASKED_SCORE = -30000.0


class CrissCrossAttention(nn.Module):
    """Twice, with the same weights: x <- x + gamma * (weighted mean of value_conv(x) over a position's row and column).

    The weights are softmax(query_conv(x)^T key_conv(x)) over the H + W - 1 positions of the cross; the position
    itself counts once. After the second pass each position has seen all others.

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts.
        reduction: r; queries and keys have m = C // r channels.

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: section 3 of the paper, with its R = 2; the ratio of 8, the start of gamma at zero
        and the names of the weights are those of the official CrissCrossAttention.
    Differs: the position's second count, in its column, gets a score of -30000 in place of minus infinity.
    Cost: C^2 + 2 C m + C + 2 m + 1 parameters, 2 (C^2 + 2 C m + (C + m) (H + W)) H W MACs, attention of
        (H + W) H W numbers.
    """

    own_place: Tensor

    def __init__(self, channels: int, size: tuple[int, int], *, reduction: int = 8) -> None:
        super().__init__()
        check_channels(channels)
        check_reduction(reduction, channels)
        self.channels, self.size = channels, check_size(size)
        hidden = channels // reduction
        self.query_conv = nn.Conv2d(channels, hidden, 1)
        self.key_conv = nn.Conv2d(channels, hidden, 1)
        self.value_conv = nn.Conv2d(channels, channels, 1)
        self.gamma = nn.Parameter(torch.zeros(1))
        self.register_buffer("own_place", MASKED_SCORE * torch.eye(size[0]), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        for _ in range(RECURRENCES):
            x = x + self.gamma * self.attend(x)
        return x

    def attend(self, x: Tensor) -> Tensor:
        """Shape: (N, C, H, W) to the same."""
        height, width = self.size
        queries, keys, values = (
            layer(x).permute(0, 2, 3, 1)  # (N, H, W, m or C)
            for layer in (self.query_conv, self.key_conv, self.value_conv)
        )
        query_columns, key_columns, value_columns = (part.transpose(1, 2) for part in (queries, keys, values))
        of_column = query_columns @ key_columns.transpose(2, 3) + self.own_place  # (N, W, H, H)
        of_row = queries @ keys.transpose(2, 3)  # (N, H, W, W)
        attention = torch.cat([of_column.transpose(1, 2), of_row], 3).softmax(3)  # (N, H, W, H + W)
        to_column, to_row = torch.split(attention, [height, width], 3)
        column_sums = (to_column.transpose(1, 2) @ value_columns).transpose(1, 2)  # (N, H, W, C)
        sums: Tensor = (column_sums + to_row @ values).permute(0, 3, 1, 2)
        return sums
