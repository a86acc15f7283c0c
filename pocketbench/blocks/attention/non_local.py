"""The non-local block.

Wang, Girshick, Gupta, He: "Non-local Neural Networks", CVPR 2018, arXiv:1711.07971.
"""

from __future__ import annotations

from torch import Tensor, nn

from pocketbench.blocks.arguments import check_channels, check_map, check_reduction, check_size
from pocketbench.blocks.attention.positions import to_map, to_positions


class NonLocal(nn.Module):
    """Add to each position a weighted mean over all: x + bn(out(softmax(theta(x)^T phi(x)) g(x))).

    The softmax runs over the positions of phi: the "embedded Gaussian" of the paper.

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts.
        reduction: r; theta, phi and g have m = C // r channels.

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: section 3 of the paper; its ratio is 2. The names are those of its official
        code. As there, bn's scale starts at zero: a block put into a trained network changes nothing at first.
    Cost: 4 C m + 3 m + 3 C parameters, 4 C m H W + 2 m (H W)^2 MACs, an attention matrix of (H W)^2 numbers.
    """

    def __init__(self, channels: int, size: tuple[int, int], *, reduction: int = 2) -> None:
        super().__init__()
        check_channels(channels)
        check_reduction(reduction, channels)
        self.channels, self.size = channels, check_size(size)
        hidden = channels // reduction
        self.theta = nn.Conv2d(channels, hidden, 1)
        self.phi = nn.Conv2d(channels, hidden, 1)
        self.g = nn.Conv2d(channels, hidden, 1)
        self.out = nn.Conv2d(hidden, channels, 1)
        self.bn = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.bn.weight)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        height, width = self.size
        queries, values = (to_positions(layer(x), self.size) for layer in (self.theta, self.g))  # (N, H W, m)
        # channels first: LiteRT's XNNPACK refuses the product of two matrices of positions
        keys = self.phi(x).reshape(-1, queries.shape[2], height * width)
        attention = (queries @ keys).softmax(2)  # (N, H W, H W)
        summed = to_map(attention @ values, self.size)  # (N, m, H, W)
        added: Tensor = x + self.bn(self.out(summed))
        return added
