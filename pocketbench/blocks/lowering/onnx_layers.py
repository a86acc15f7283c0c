"""1x1 convolutions of pooled maps, in the sizes and forms that onnxruntime is quick at."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pocketbench.blocks.attention.mean_pool import make_mean_pool
from pocketbench.blocks.lowering.site import Site

BLOCK = 16
"""Channels that onnxruntime's blocked layout holds together on AVX-512; AVX2 holds 8."""
# Up to this many positions one pool is as accurate as two.
SMALL_MAP = 256


def make_blocked_pool(site: Site) -> nn.Module:
    """The mean of a map by pools, which keep onnxruntime's blocked layout: (N, C, H, W) to (N, C, 1, 1)."""
    return nn.AvgPool2d(site.size) if site.positions <= SMALL_MAP else make_mean_pool(site.size)


def make_convolution(weight: Tensor, bias: Tensor | None, groups: int = 1) -> nn.Conv2d:
    outputs, inputs, *kernel = weight.shape
    convolution = nn.Conv2d(inputs * groups, outputs, (kernel[0], kernel[1]), groups=groups, bias=bias is not None)
    convolution.weight = nn.Parameter(weight.detach().clone(), requires_grad=False)
    if bias is not None:
        convolution.bias = nn.Parameter(bias.detach().clone(), requires_grad=False)
    return convolution


def pad_outputs(convolution: nn.Conv2d) -> nn.Conv2d:
    """The convolution with outputs of zero added, up to whole blocks: the next layer stays in the blocked layout."""
    weight, bias = convolution.weight.detach(), convolution.bias
    assert bias is not None
    missing = -len(weight) % BLOCK
    return make_convolution(
        torch.cat([weight, weight.new_zeros(missing, *weight.shape[1:])]),
        torch.cat([bias.detach(), bias.new_zeros(missing)]),
    )


def pad_inputs(convolution: nn.Conv2d) -> nn.Conv2d:
    """The convolution that ignores inputs added up to whole blocks."""
    weight = convolution.weight.detach()
    outputs, inputs, *kernel = weight.shape
    return make_convolution(
        torch.cat([weight, weight.new_zeros(outputs, -inputs % BLOCK, *kernel)], dim=1), convolution.bias
    )
