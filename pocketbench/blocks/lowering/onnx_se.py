"""The gate of squeeze-and-excitation in ONNX."""

from __future__ import annotations

from torch import Tensor, nn

from pocketbench.blocks.attention.se import SqueezeExcitation
from pocketbench.blocks.lowering.onnx_layers import make_blocked_pool, pad_inputs, pad_outputs
from pocketbench.blocks.lowering.site import Site


class BlockedSqueezeGate(nn.Module):
    """Pools and convolutions alone, which keep onnxruntime's blocked layout; hidden channels in whole blocks.

    Shape: (N, C, H, W) to (N, C, 1, 1).
    """

    def __init__(self, site: Site) -> None:
        super().__init__()
        block, first, second = read_block(site)
        self.pool = make_blocked_pool(site)
        self.conv = nn.Sequential(pad_outputs(first), block.conv[1], pad_inputs(second), block.gate)

    def forward(self, x: Tensor) -> Tensor:
        gate: Tensor = self.conv(self.pool(x))
        return gate


class ReducedSqueezeGate(nn.Module):
    """The mean in one reduction, and the convolutions.

    Shape: (N, C, H, W) to (N, C, 1, 1).
    """

    def __init__(self, site: Site) -> None:
        super().__init__()
        block, _, _ = read_block(site)
        self.conv = nn.Sequential(block.conv, block.gate)

    def forward(self, x: Tensor) -> Tensor:
        gate: Tensor = self.conv(x.mean((2, 3), keepdim=True))
        return gate


def read_block(site: Site) -> tuple[SqueezeExcitation, nn.Conv2d, nn.Conv2d]:
    block = site.block
    assert isinstance(block, SqueezeExcitation)
    first, _, second = block.conv
    assert isinstance(first, nn.Conv2d)
    assert isinstance(second, nn.Conv2d)
    return block, first, second
