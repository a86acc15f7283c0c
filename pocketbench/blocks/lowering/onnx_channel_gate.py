"""Where the gate of each channel is applied in ONNX: to the map, to the map at its own shape, to the weights behind."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pocketbench.blocks.lowering.site import Site, projection_of
from pocketbench.blocks.lowering.weights import bias_of


class GatedMap(nn.Module):
    """x * gate(x).

    Shape: (N, C, H, W) to the same.

    Args:
        gate: maps (N, C, H, W) to (N, C, 1, 1).
    """

    def __init__(self, gate: nn.Module) -> None:
        super().__init__()
        self.gate = gate

    def forward(self, x: Tensor) -> Tensor:
        scaled: Tensor = x * self.gate(x)
        return scaled


class GatedMapAtItsShape(nn.Module):
    """x * resize(gate(x)): onnxruntime's blocked layout (NCHWc) holds factors of one shape alone.

    Shape: (N, C, H, W) to the same.

    Args:
        gate: maps (N, C, H, W) to (N, C, 1, 1).
    """

    def __init__(self, site: Site, gate: nn.Module) -> None:
        super().__init__()
        self.gate = gate
        self.size = site.size

    def forward(self, x: Tensor) -> Tensor:
        return x * repeat_map(self.gate(x), self.size)


class GatedProjection(nn.Module):
    """The projection with its weights times the gate, W diag(gate(x)) x + b: the map itself is never scaled.

    Shape: (N, C, H, W) to (N, O, H, W).

    Args:
        gate: maps (N, C, H, W) to (N, C, 1, 1).
    """

    weight: Tensor

    def __init__(self, site: Site, gate: nn.Module) -> None:
        super().__init__()
        projection = projection_of(site)
        self.gate = gate
        self.register_buffer("weight", projection.weight.detach())
        self.project = GivenProjection(bias_of(projection))

    def forward(self, x: Tensor) -> Tensor:
        gate = self.gate(x)
        projected: Tensor = self.project(x, self.scale(gate))
        return projected

    def scale(self, gate: Tensor) -> Tensor:
        """The weights times the gate, in the shape that `GivenProjection` takes."""
        if gate.shape[0] == 1:
            return self.weight * gate
        return self.weight.flatten(1) * gate.flatten(1)[:, None]


class GivenProjection(nn.Module):
    """A 1x1 convolution with computed weights. A module of its own, so that profiles tell its time from the gate's.

    Shape: (1, C, H, W) and (O, C, 1, 1), or (N, C, H, W) and (N, O, C); to (N, O, H, W).
    """

    bias: Tensor

    def __init__(self, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("bias", bias)

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        if x.shape[0] == 1:
            return functional.conv2d(x, weights, self.bias)
        projected = torch.unflatten(weights @ x.flatten(2), 2, x.shape[2:])
        return projected + self.bias[:, None, None]


def repeat_map(small: Tensor, size: tuple[int, int]) -> Tensor:
    """Each position of a map whose height and width are those of `size` or 1, repeated to fill `size`."""
    scales = [float(wanted // has) for wanted, has in zip(size, small.shape[2:], strict=True)]
    return functional.interpolate(small, scale_factor=scales, mode="nearest")
