"""Coordinate attention in ONNX."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pocketbench.blocks.attention.coordinate import CoordinateAttention
from pocketbench.blocks.lowering.onnx_channel_gate import repeat_map
from pocketbench.blocks.lowering.onnx_layers import make_convolution, pad_inputs, pad_outputs
from pocketbench.blocks.lowering.site import Site, projection_of
from pocketbench.blocks.lowering.weights import bias_of, make_linear


class BlockedCoordinateAttention(nn.Module):
    """Both gates repeated to the map's shape: onnxruntime's blocked layout holds factors of one shape alone.

    Hidden channels in whole blocks, so that the strips stay in that layout.

    Shape: (N, C, H, W) to the same.
    """

    def __init__(self, site: Site) -> None:
        super().__init__()
        block = read_block(site)
        self.size = site.size
        self.pool_h, self.pool_w = block.pool_h, block.pool_w
        self.encode = nn.Sequential(pad_outputs(fuse_conv_bn_eval(block.conv1, block.bn1)), block.act)
        self.rows = nn.Sequential(pad_inputs(block.conv_h), block.gate)
        self.columns = nn.Sequential(pad_inputs(block.conv_w), block.gate)

    def forward(self, x: Tensor) -> Tensor:
        a_h = self.rows(self.encode(self.pool_h(x)))  # (N, C, H, 1)
        a_w = self.columns(self.encode(self.pool_w(x)))  # (N, C, 1, W)
        return x * repeat_map(a_h, self.size) * repeat_map(a_w, self.size)


class ProductCoordinateAttention(nn.Module):
    """x * (a_h * a_w), the product of the gates as one of matrices, (H, 1) by (1, W) for each channel.

    Broadcasting costs onnxruntime a start for each row of W elements, twice.

    Shape: (N, C, H, W) to the same.
    """

    def __init__(self, site: Site) -> None:
        super().__init__()
        block = read_block(site)
        self.encode = nn.Sequential(fuse_conv_bn_eval(block.conv1, block.bn1), block.act)
        self.rows = nn.Sequential(block.conv_h, block.gate)
        self.columns = nn.Sequential(block.conv_w, block.gate)

    def forward(self, x: Tensor) -> Tensor:
        a_h = self.rows(self.encode(x.mean(3, keepdim=True)))  # (N, C, H, 1)
        a_w = self.columns(self.encode(x.mean(2, keepdim=True)))  # (N, C, 1, W)
        scaled: Tensor = x * torch.matmul(a_h, a_w)
        return scaled


class ChannelsLastCoordinateAttention(nn.Module):
    """project(x * (a_h * a_w)) with the channels innermost; the means of all rows and columns as one matrix product.

    Shape: (N, C, H, W) to (N, O, H, W).
    """

    means: Tensor

    def __init__(self, site: Site) -> None:
        super().__init__()
        block, projection = read_block(site), projection_of(site)
        self.size = list(site.size)
        self.encode = make_linear(fuse_conv_bn_eval(block.conv1, block.bn1))
        self.rows = nn.Sequential(make_linear(block.conv_h), block.gate)
        self.columns = nn.Sequential(make_linear(block.conv_w), block.gate)
        self.register_buffer("means", make_strip_means(site.size, projection.weight.dtype))
        self.project = make_linear(make_convolution(projection.weight, bias_of(projection)))

    def forward(self, x: Tensor) -> Tensor:
        pixels = x.permute(0, 2, 3, 1)  # (N, H, W, C)
        strips = (x.flatten(2) @ self.means).transpose(1, 2)  # (N, H + W, C)
        rows, columns = torch.split(functional.hardswish(self.encode(strips)), self.size, 1)
        a_h, a_w = self.rows(rows)[:, :, None], self.columns(columns)[:, None]  # (N, H, 1, C), (N, 1, W, C)
        projected: Tensor = self.project(pixels * (a_h * a_w)).permute(0, 3, 1, 2)
        return projected


def make_strip_means(size: tuple[int, int], dtype: torch.dtype) -> Tensor:
    """The matrix that takes a flat map to the means of its rows, then those of its columns: (H W, H + W)."""
    height, width = size
    rows = torch.eye(height, dtype=dtype).repeat_interleave(width, 0) / width
    columns = torch.eye(width, dtype=dtype).repeat(height, 1) / height
    return torch.cat([rows, columns], 1)


def read_block(site: Site) -> CoordinateAttention:
    assert isinstance(site.block, CoordinateAttention)
    return site.block
