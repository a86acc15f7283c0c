"""A gate on the map, its constant factor in the weights of the projection behind."""

from __future__ import annotations

import copy

from torch import Tensor, nn

from pocketbench.blocks.lowering.site import Site, projection_of


class ProjectedGate(nn.Module):
    """project(x * gate(x)); the projection's weights hold the factor that `gate` leaves out.

    Shape: (N, C, H, W) to (N, O, H, W).

    Args:
        gate: maps (N, H, W, C), the layout of the runtime, to (N, 1, 1, C).
        factor: of the gate.
    """

    def __init__(self, site: Site, gate: nn.Module, factor: float) -> None:
        super().__init__()
        self.gate = gate
        self.projection = scale_weights(projection_of(site), factor)

    def forward(self, x: Tensor) -> Tensor:
        pixels = x.permute(0, 2, 3, 1)
        projected: Tensor = self.projection((pixels * self.gate(pixels)).permute(0, 3, 1, 2))
        return projected


class FactoredGate(nn.Module):
    """x * (factor * gate(x)), where no projection follows that could hold the factor.

    Shape: (N, C, H, W) to the same.

    Args:
        gate: maps (N, H, W, C), the layout of the runtime, to (N, 1, 1, C).
    """

    def __init__(self, gate: nn.Module, factor: float) -> None:
        super().__init__()
        self.gate, self.factor = gate, factor

    def forward(self, x: Tensor) -> Tensor:
        pixels = x.permute(0, 2, 3, 1)
        gate: Tensor = self.gate(pixels)
        return (pixels * (gate if self.factor == 1 else gate * self.factor)).permute(0, 3, 1, 2)


def scale_weights(convolution: nn.Conv2d, factor: float) -> nn.Conv2d:
    """A copy that computes W (factor x) + b."""
    scaled = copy.deepcopy(convolution)
    scaled.weight = nn.Parameter(convolution.weight.detach() * factor, requires_grad=False)
    return scaled
