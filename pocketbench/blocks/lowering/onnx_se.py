"""The gate of squeeze-and-excitation in ONNX."""

from __future__ import annotations

from torch import Tensor, nn

from pocketbench.blocks.attention.se import SqueezeExcitation
from pocketbench.blocks.lowering.onnx_layers import make_blocked_pool, pad_inputs, pad_outputs
from pocketbench.blocks.lowering.site import Site
from pocketbench.blocks.lowering.weights import make_linear


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


class LinearSqueezeGate(nn.Module):
    """The mean in one reduction, and linear layers.

    relu6(y) = 6 hard_sigmoid(y - 3): onnxruntime fuses a hard sigmoid into the layer before it, but no clip; the 3 goes
    into the bias, the 6 into the next weights.

    Shape: (N, C, H, W) to (N, C, 1, 1).
    """

    def __init__(self, site: Site) -> None:
        super().__init__()
        block, first, second = read_block(site)
        activation, shift, factor = block.conv[1], 0.0, 1.0
        if type(activation) is nn.ReLU6:
            activation, shift, factor = nn.Hardsigmoid(), 3.0, 6.0
        self.layers = nn.Sequential(
            make_linear(first, shift=-shift), activation, make_linear(second, factor=factor), block.gate
        )

    def forward(self, x: Tensor) -> Tensor:
        gate: Tensor = self.layers(x.mean((2, 3)))  # (N, C)
        return gate[:, :, None, None]


def read_block(site: Site) -> tuple[SqueezeExcitation, nn.Conv2d, nn.Conv2d]:
    block = site.block
    assert isinstance(block, SqueezeExcitation)
    first, _, second = block.conv
    assert isinstance(first, nn.Conv2d)
    assert isinstance(second, nn.Conv2d)
    return block, first, second
