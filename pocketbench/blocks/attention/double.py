"""Double attention.

Chen, Kalantidis, Li, Yan, Feng: "A^2-Nets: Double Attention Networks", NeurIPS 2018, arXiv:1810.11579.
"""

from __future__ import annotations

from torch import Tensor, nn

from pocketbench.blocks.arguments import check_channels, check_map, check_reduction, check_size
from pocketbench.blocks.attention.positions import to_map, to_positions


class DoubleAttention(nn.Module):
    """Gather what the map holds in few descriptors, hand them out to each position: x + out(G softmax(rho(x))).

    G = phi(x) softmax(theta(x))^T: column i is the mean of phi under the i-th attention map. theta's softmax runs over
    the positions, rho's over the descriptors.

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts.
        reduction: r; there are m = C // r descriptors of m channels.

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: section 3 of the paper; its ratio is 4.
    Cost: 4 C m + 3 m + C parameters, (4 C m + 2 m^2) H W MACs.
    """

    def __init__(self, channels: int, size: tuple[int, int], *, reduction: int = 4) -> None:
        super().__init__()
        check_channels(channels)
        check_reduction(reduction, channels)
        self.channels, self.size = channels, check_size(size)
        hidden = channels // reduction
        self.phi = nn.Conv2d(channels, hidden, 1)
        self.theta = nn.Conv2d(channels, hidden, 1)
        self.rho = nn.Conv2d(channels, hidden, 1)
        self.out = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        features, maps, vectors = (to_positions(layer(x), self.size) for layer in (self.phi, self.theta, self.rho))
        descriptors = maps.transpose(1, 2).softmax(2) @ features  # (N, descriptors, m)
        handed_out = to_map(vectors.softmax(2) @ descriptors, self.size)  # (N, m, H, W)
        added: Tensor = x + self.out(handed_out)
        return added
