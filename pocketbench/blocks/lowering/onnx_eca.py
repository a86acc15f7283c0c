"""The gate of efficient channel attention in ONNX."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pocketbench.blocks.attention.eca import EfficientChannelAttention
from pocketbench.blocks.lowering.onnx_layers import make_blocked_pool, make_convolution
from pocketbench.blocks.lowering.site import Site


class LineGate(nn.Module):
    """The means as a line of C positions, convolved as one.

    Shape: (N, C, H, W) to (N, C, 1, 1).
    """

    def __init__(self, site: Site) -> None:
        super().__init__()
        block = site.block
        assert isinstance(block, EfficientChannelAttention)
        self.channels = site.channels
        kernel = block.conv.weight.detach()[:, :, None]  # (1, 1, 1, k)
        self.conv = make_convolution(kernel, None)
        self.conv.padding = (0, kernel.shape[-1] // 2)
        self.gate = block.gate

    def forward(self, x: Tensor) -> Tensor:
        line = x.mean((2, 3)).reshape(-1, 1, 1, self.channels)
        gate: Tensor = self.gate(self.conv(line))
        return gate.reshape(-1, self.channels, 1, 1)


class BlockedLineGate(LineGate):
    """The same from pools that keep onnxruntime's blocked layout; a convolution by ones leads back into it.

    Shape: (N, C, H, W) to (N, C, 1, 1).
    """

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.pool = make_blocked_pool(site)
        count = site.channels
        self.entrance = make_convolution(torch.ones(count, 1, 1, 1), torch.zeros(count), groups=count)

    def forward(self, x: Tensor) -> Tensor:
        line = self.pool(x).reshape(-1, 1, 1, self.channels)
        scores = self.conv(line).reshape(-1, self.channels, 1, 1)
        gate: Tensor = self.gate(self.entrance(scores))
        return gate
