"""The unit that mobile networks are made of, and how its weights are drawn."""

from __future__ import annotations

import math

from torch import nn


def convolution(
    inputs: int,
    outputs: int,
    *,
    kernel_size: int,
    stride: int = 1,
    groups: int = 1,
    dilation: int = 1,
    activation: type[nn.Module] | None = nn.ReLU6,
    epsilon: float = 1e-5,
) -> list[nn.Module]:
    """Convolution that keeps the size at stride 1, BatchNorm and, unless it is None, the activation."""
    padding = dilation * (kernel_size // 2)
    return [
        nn.Conv2d(inputs, outputs, kernel_size, stride, padding, dilation, groups, bias=False),
        nn.BatchNorm2d(outputs, eps=epsilon),
        *([] if activation is None else [activation()]),
    ]


def initialise_weights(model: nn.Module) -> None:
    """N(0, 2 / (k k outputs)) for convolutions, N(0, 0.01^2) for linear layers, 0 for biases."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
            nn.init.normal_(module.weight, 0.0, math.sqrt(2.0 / fan_out))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.01)
            nn.init.zeros_(module.bias)
