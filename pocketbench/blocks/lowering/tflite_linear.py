"""1x1 convolutions over the last axis, the one that XNNPACK keeps channels in."""

from __future__ import annotations

from torch import nn


def make_linear(convolution: nn.Conv2d) -> nn.Linear:
    """The same sums over (..., C)."""
    linear = nn.Linear(convolution.in_channels, convolution.out_channels, bias=convolution.bias is not None)
    linear.weight = nn.Parameter(convolution.weight.detach().flatten(1), requires_grad=False)
    if convolution.bias is not None:
        linear.bias = nn.Parameter(convolution.bias.detach(), requires_grad=False)
    return linear
