"""A 1x1 convolution of a pooled map as the linear layer that it is."""

from __future__ import annotations

from torch import nn


def make_linear(convolution: nn.Module) -> nn.Linear:
    """The layer with the same weights, for vectors (N, C)."""
    assert isinstance(convolution, nn.Conv2d)
    assert convolution.bias is not None
    layer = nn.Linear(convolution.in_channels, convolution.out_channels)
    layer.weight.data = convolution.weight.data.flatten(1).clone()
    layer.bias.data = convolution.bias.data.clone()
    return layer
