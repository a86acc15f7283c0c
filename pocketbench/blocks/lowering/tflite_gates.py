"""Gates without their constant factor, which the layer behind takes into its weights."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class ShiftedReLU6(nn.Module):
    """relu6(x + 3), six times the hard sigmoid: behind a convolution a bias and a fused activation, no operator."""

    def forward(self, scores: Tensor) -> Tensor:
        return functional.relu6(scores + 3)


def split_gate(gate: nn.Module) -> tuple[nn.Module, float]:
    """f and c with gate(x) = c f(x)."""
    return (ShiftedReLU6(), 1 / 6) if type(gate) is nn.Hardsigmoid else (gate, 1.0)
