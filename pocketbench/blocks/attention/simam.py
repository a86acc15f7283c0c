"""SimAM: attention without parameters.

Yang, Zhang, Li, Xie: "SimAM: A Simple, Parameter-Free Attention Module for Convolutional Neural Networks", ICML 2021
(Proceedings of Machine Learning Research 139).
"""

from __future__ import annotations

from torch import Tensor, nn

from pocketbench.blocks.arguments import check_channels, check_map, check_size
from pocketbench.blocks.attention.mean_pool import make_mean_pool
from pocketbench.blocks.gates import make_gate
from pocketbench.core.errors import UsageError

REGULARISATION = 1e-4


class SimAM(nn.Module):
    """Scale each value by how much it stands out in its channel: x * gate(d^2 / (4 (v + 1e-4)) + 1/2).

    d = x - mean(x), v = sum of d^2 over the map / (H W - 1).

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts; at least two positions, one has no variance.
        gate: "hard_sigmoid" or "sigmoid".

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: equations 5 and 6 of the paper and its listing; 1e-4 is its lambda.
    Differs: the default gate is hard.
    Cost: no parameters, no MACs; five operators over the whole map (difference, square, scale, gate, product) and two
        pools.
    """

    def __init__(self, channels: int, size: tuple[int, int], *, gate: str = "hard_sigmoid") -> None:
        super().__init__()
        check_channels(channels)
        self.channels, self.size = channels, check_size(size)
        positions = size[0] * size[1]
        if positions == 1:
            raise UsageError(
                f"simam compares the positions of a map, and a map of size {self.size} has one alone",
                "give the network a larger input, or take another block",
            )
        self.to_variance = positions / (positions - 1)
        self.pool = make_mean_pool(size)
        self.gate = make_gate(gate)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        difference = x - self.pool(x)
        squares = difference * difference
        variance = self.pool(squares) * self.to_variance  # (N, C, 1, 1)
        scale = 0.25 / (variance + REGULARISATION)
        scaled: Tensor = x * self.gate(squares * scale + 0.5)
        return scaled
