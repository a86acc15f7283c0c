"""The weights of a 1x1 convolution, for layers that compute the same in another form."""

from __future__ import annotations

from torch import Tensor, nn


def make_linear(convolution: nn.Conv2d, *, factor: float = 1.0, shift: float = 0.0) -> nn.Linear:
    """A 1x1 convolution as a linear layer of the last axis, (factor W) x + b + shift. Without a bias, no shift."""
    assert convolution.bias is not None or shift == 0
    layer = nn.Linear(convolution.in_channels, convolution.out_channels, bias=convolution.bias is not None)
    layer.weight = nn.Parameter(factor * convolution.weight.detach().flatten(1), requires_grad=False)
    if convolution.bias is not None:
        layer.bias = nn.Parameter(convolution.bias.detach() + shift, requires_grad=False)
    return layer


def bias_of(convolution: nn.Conv2d) -> Tensor:
    """A copy of the bias; zeros where there is none. Shape: (outputs,)."""
    if convolution.bias is None:
        return convolution.weight.detach().new_zeros(convolution.out_channels)
    return convolution.bias.detach().clone()
