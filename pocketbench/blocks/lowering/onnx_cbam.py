"""CBAM in ONNX: products and pools for reductions, a strided convolution, the spatial gate after the projection.

The gate of a position commutes with a 1x1 convolution: W (g x) + b = g (W x) + b, and W x has fewer channels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pocketbench.blocks.attention.cbam import CBAM, ChannelAttention
from pocketbench.blocks.lowering.onnx_channel_gate import repeat_map
from pocketbench.blocks.lowering.onnx_layers import make_convolution, pad_inputs, pad_outputs
from pocketbench.blocks.lowering.onnx_spatial_gate import SpatialGate
from pocketbench.blocks.lowering.site import Site, projection_of
from pocketbench.blocks.lowering.weights import bias_of, make_linear


class BlockedChannelGate(nn.Module):
    """The gate of the channel part from pools and convolutions alone, which keep onnxruntime's blocked layout.

    The second layer of the mlp is linear: it is applied once, to the sum of both hidden layers, with twice its bias.

    Shape: (N, C, H, W) to (N, C, 1, 1).
    """

    def __init__(self, block: ChannelAttention) -> None:
        super().__init__()
        first, second = read_layers(block)
        self.mean_pool, self.max_pool = nn.AvgPool2d(block.size), nn.MaxPool2d(block.size)
        self.hidden = nn.Sequential(pad_outputs(first), nn.ReLU())
        self.scores = pad_inputs(second)
        self.gate = block.gate

    def forward(self, x: Tensor) -> Tensor:
        both = self.hidden(self.mean_pool(x)) + self.hidden(self.max_pool(x))
        gate: Tensor = self.gate(self.scores(both))
        return gate


class LinearChannelGate(nn.Module):
    """The same from reductions and linear layers.

    Shape: (N, C, H, W) to (N, C, 1, 1).
    """

    def __init__(self, block: ChannelAttention) -> None:
        super().__init__()
        first, second = read_layers(block)
        self.hidden = nn.Sequential(make_linear(first), nn.ReLU())
        self.scores = make_linear(second)
        self.gate = block.gate

    def forward(self, x: Tensor) -> Tensor:
        count = x.shape[0]
        pooled = torch.cat([x.mean((2, 3)), x.amax((2, 3))])  # (2 N, C)
        hidden = self.hidden(pooled)
        gate: Tensor = self.gate(self.scores(hidden[:count] + hidden[count:]))
        return gate[:, :, None, None]


class BlockedCBAM(nn.Module):
    """For onnxruntime's blocked layout: both gates are brought to the shape of what they multiply.

    Shape: (N, C, H, W) to (N, O, H, W).
    """

    def __init__(self, site: Site) -> None:
        super().__init__()
        block, projection = read_block(site), projection_of(site)
        self.size = site.size
        self.channel = BlockedChannelGate(block.channel)
        self.spatial = SpatialGate(block.spatial, site.channels, site.size)
        self.project = make_convolution(projection.weight, None)
        self.spread = make_convolution(torch.ones(site.outputs, 1, 1, 1), None)
        self.shift = make_shift(bias_of(projection))

    def forward(self, x: Tensor) -> Tensor:
        x = x * repeat_map(self.channel(x), self.size)
        shifted: Tensor = self.shift(self.project(x) * self.spread(self.spatial(x)))
        return shifted


class PlainCBAM(nn.Module):
    """Without that layout: both gates are broadcast.

    Shape: (N, C, H, W) to (N, O, H, W).
    """

    bias: Tensor

    def __init__(self, site: Site) -> None:
        super().__init__()
        block, projection = read_block(site), projection_of(site)
        self.channel = LinearChannelGate(block.channel)
        self.spatial = SpatialGate(block.spatial, site.channels, site.size)
        self.project = make_convolution(projection.weight, None)
        self.register_buffer("bias", bias_of(projection)[:, None, None])

    def forward(self, x: Tensor) -> Tensor:
        x = x * self.channel(x)
        projected: Tensor = self.project(x) * self.spatial(x) + self.bias
        return projected


def make_shift(bias: Tensor) -> nn.BatchNorm2d:
    """x + bias, as the one operator that adds a constant in the blocked layout."""
    norm = nn.BatchNorm2d(len(bias), eps=0.0)
    norm.bias = nn.Parameter(bias.clone(), requires_grad=False)
    return norm.eval()


def read_block(site: Site) -> CBAM:
    assert isinstance(site.block, CBAM)
    return site.block


def read_layers(block: ChannelAttention) -> tuple[nn.Conv2d, nn.Conv2d]:
    """The layers of the mlp, the second with twice its bias."""
    first, _, second = block.mlp
    assert isinstance(first, nn.Conv2d)
    assert isinstance(second, nn.Conv2d)
    assert second.bias is not None
    return first, make_convolution(second.weight, 2 * second.bias)
