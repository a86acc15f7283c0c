"""A map as a matrix of its positions, for attention between them.

The order of the axes is the one in which LiteRT keeps maps, so that few copies are needed there.
"""

from __future__ import annotations

from torch import Tensor


def to_positions(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Shape: (N, C, H, W) to (N, H W, C)."""
    height, width = size
    return x.permute(0, 2, 3, 1).reshape(-1, height * width, x.shape[1])


def to_map(positions: Tensor, size: tuple[int, int]) -> Tensor:
    """Shape: (N, H W, C) to (N, C, H, W)."""
    height, width = size
    return positions.reshape(-1, height, width, positions.shape[2]).permute(0, 3, 1, 2)
