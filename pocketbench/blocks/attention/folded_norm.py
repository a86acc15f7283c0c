"""A convolution and the BatchNorm behind it as one, where the converters can't see that they belong together."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def fold_norm(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Weight and bias of the convolution that computes, outside training, norm(convolution(x)).

    Shape: that of the weight, which has no bias, and (channels,).
    """
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return convolution.weight * scale[:, None, None, None], norm.bias - norm.running_mean * scale
