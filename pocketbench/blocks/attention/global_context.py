"""Global context.

Cao, Xu, Lin, Wei, Hu: "GCNet: Non-local Networks Meet Squeeze-Excitation Networks and Beyond", ICCV workshops 2019,
arXiv:1904.11492.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pocketbench.blocks.arguments import check_channels, check_map, check_reduction, check_size
from pocketbench.blocks.attention.mean_pool import make_mean_pool
from pocketbench.core.errors import UsageError


class GlobalContext(nn.Module):
    """Add to every position the same transform of a weighted mean of all: x + W2 relu(norm(W1 z)).

    z = sum over positions of softmax(w x) x: how much a position counts is learned. The norm is over the C // r
    hidden channels.

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts.
        reduction: r; the hidden layer has C // r channels, at least 2.

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: equation 5 of the paper; its ratio is 16. The weights of the official ContextBlock load, and the start is
        its own: W2 at 0, the block an identity.
    Differs: the softmax is written as exponentials whose weighted mean is divided by their mean, and the norm by its
        formula: neither needs a reshape or a matrix product.
    Cost: with m = C // r, 2 C m + 2 C + 3 m + 1 parameters, 2 C m + 2 C H W MACs.
    """

    def __init__(self, channels: int, size: tuple[int, int], *, reduction: int = 16) -> None:
        super().__init__()
        check_channels(channels)
        check_reduction(reduction, channels)
        self.channels, self.size = channels, check_size(size)
        hidden = channels // reduction
        if hidden == 1:
            raise UsageError(
                f"reduction {reduction} leaves 1 of {channels} channels, whose norm is the same for every map",
                f"expected a whole number up to {channels // 2}",
            )
        self.conv_mask = nn.Conv2d(channels, 1, 1)
        self.pool = make_mean_pool(size)
        last = nn.Conv2d(hidden, channels, 1)
        for parameter in last.parameters():
            nn.init.zeros_(parameter)
        self.channel_add_conv = nn.Sequential(
            nn.Conv2d(channels, hidden, 1), HiddenNorm([hidden, 1, 1]), nn.ReLU(), last
        )

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        scores = self.conv_mask(x)  # (N, 1, H, W)
        weights = torch.exp(scores - scores.amax((2, 3), keepdim=True))
        context = self.pool(x * weights) / self.pool(weights)  # (N, C, 1, 1)
        added: Tensor = x + self.channel_add_conv(context)
        return added


class HiddenNorm(nn.LayerNorm):
    """The layer norm of a pooled map by its formula: torch's own becomes six reshapes in a TFLite file.

    Shape: (N, C, 1, 1) to the same.
    """

    def forward(self, pooled: Tensor) -> Tensor:
        difference = pooled - pooled.mean(1, keepdim=True)
        variance = (difference * difference).mean(1, keepdim=True)  # (N, 1, 1, 1)
        normalised = difference * torch.rsqrt(variance + self.eps)
        scaled: Tensor = normalised * self.weight[None] + self.bias[None]
        return scaled
