"""Squeeze-and-excitation for XNNPACK."""

from __future__ import annotations

from torch import Tensor, nn

from pocketbench.blocks.attention.se import SqueezeExcitation
from pocketbench.blocks.lowering.site import Form, Site
from pocketbench.blocks.lowering.tflite_channel_gate import ProjectedGate
from pocketbench.blocks.lowering.tflite_gates import split_gate
from pocketbench.blocks.lowering.tflite_mean import average_positions
from pocketbench.blocks.lowering.weights import make_linear


class SqueezeGate(nn.Module):
    """The gate of squeeze-and-excitation without its constant factor.

    Shape: (N, H, W, C) to (N, 1, 1, C).
    """

    def __init__(self, block: SqueezeExcitation) -> None:
        super().__init__()
        first, self.activation, last = block.conv
        assert isinstance(first, nn.Conv2d)
        assert isinstance(last, nn.Conv2d)
        self.first, self.last = make_linear(first), make_linear(last)
        self.open, self.factor = split_gate(block.gate)

    def forward(self, pixels: Tensor) -> Tensor:
        gate: Tensor = self.open(self.last(self.activation(self.first(average_positions(pixels)))))
        return gate[:, None, None]


def build_projected(site: Site) -> nn.Module:
    assert isinstance(site.block, SqueezeExcitation)
    gate = SqueezeGate(site.block)
    return ProjectedGate(site, gate, gate.factor)


PROJECTED = Form(name="the gate's factor in the projection", build=build_projected, takes_projection=True)
