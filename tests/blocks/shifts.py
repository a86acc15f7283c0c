"""Convolutions as sums over shifted maps, pools as loops: nothing of torch's convolutions and poolings."""

from __future__ import annotations

import torch
from torch import Tensor


def shift(x: Tensor, rows: int, columns: int) -> Tensor:
    """The map whose position (i, j) holds x at (i + rows, j + columns), zero beyond the edge."""
    height, width = x.shape[2:]
    result = torch.zeros_like(x)
    top, bottom = max(0, -rows), min(height, height - rows)
    left, right = max(0, -columns), min(width, width - columns)
    if top < bottom and left < right:
        result[:, :, top:bottom, left:right] = x[:, :, top + rows : bottom + rows, left + columns : right + columns]
    return result


def convolve_depthwise(x: Tensor, weight: Tensor, bias: Tensor, dilation: int = 1) -> Tensor:
    result = bias[None, :, None, None].expand_as(x)
    height, width = weight.shape[2:]
    for row in range(height):
        for column in range(width):
            moved = shift(x, (row - height // 2) * dilation, (column - width // 2) * dilation)
            result = result + weight[None, :, 0, row, column, None, None] * moved
    return result


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Odd kernels, zeros beyond the edge."""
    height, width = weight.shape[2:]
    result = x.new_zeros(len(x), len(weight), *x.shape[2:])
    for row in range(height):
        for column in range(width):
            moved = shift(x, row - height // 2, column - width // 2)
            result = result + torch.einsum("oc,nchw->nohw", weight[:, :, row, column], moved)
    return result if bias is None else result + bias[None, :, None, None]


def mix_channels(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """A 1x1 convolution."""
    return convolve(x, weight, bias)
