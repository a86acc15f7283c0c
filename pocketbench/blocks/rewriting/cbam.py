"""CBAM and its two parts, with the ReLU and the 7x7 window of the paper."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import torch
from torch import nn

from pocketbench.blocks.attention.cbam import CBAM, KERNEL_SIZE, ChannelAttention, SpatialAttention
from pocketbench.blocks.rewriting.activations import GATES
from pocketbench.blocks.rewriting.layers import split_layers
from pocketbench.blocks.rewriting.squeeze import match_two_layers


def propose_channel_attention(layers: list[nn.Module], channels: int, size: tuple[int, int]) -> Iterator[nn.Module]:
    """CBAM's channel part: x * gate(mlp(mean(x)) + mlp(max(x)))."""
    for reduce, inner, expand, gate in match_two_layers(layers, channels):
        if type(inner) is nn.ReLU:
            yield make_channel_attention(reduce, inner, expand, gate, size)


def propose_spatial_attention(layers: list[nn.Module], _channels: int, _size: tuple[int, int]) -> Iterator[nn.Module]:
    """CBAM's spatial part: x * gate(conv([mean over C; max over C])), the two maps in either order."""
    weighted, activations = split_layers(layers)
    if len(weighted) == 1 and len(activations) <= 1 and is_window(weighted[0]):
        for gate, flip in itertools.product(activations or [kind() for kind in GATES], (False, True)):
            yield make_spatial_attention(weighted[0], gate, flip=flip)


def propose_cbam(layers: list[nn.Module], channels: int, size: tuple[int, int]) -> Iterator[nn.Module]:
    """Both parts, one after the other; the same gate in both."""
    windows = [layer for layer in layers if is_window(layer)]
    if len(windows) != 1:
        return
    weighted, activations = split_layers(layers)
    if len(activations) == 3 and type(activations[1]) is type(activations[2]):
        activations = activations[:2]
    mlp = [layer for layer in weighted if layer not in windows]
    for reduce, inner, expand, gate in match_two_layers([*mlp, *activations], channels):
        for flip in (False, True) if type(inner) is nn.ReLU else ():
            block = CBAM(channels, size, reduction=channels)
            block.channel = make_channel_attention(reduce, inner, expand, gate, size)
            block.spatial = make_spatial_attention(windows[0], type(gate)(), flip=flip)
            yield block


def make_channel_attention(
    reduce: nn.Conv2d, inner: nn.Module, expand: nn.Conv2d, gate: nn.Module, size: tuple[int, int]
) -> ChannelAttention:
    block = ChannelAttention(reduce.in_channels, size, reduction=reduce.in_channels)
    block.mlp = nn.Sequential(reduce, inner, expand)
    block.gate = gate
    return block


def make_spatial_attention(window: nn.Module, gate: nn.Module, *, flip: bool) -> SpatialAttention:
    assert isinstance(window, nn.Conv2d)
    block = SpatialAttention().to(window.weight)
    block.gate = gate
    with torch.no_grad():
        block.conv.weight.copy_(window.weight.flip(1) if flip else window.weight)
        assert block.conv.bias is not None
        assert window.bias is not None
        block.conv.bias.copy_(window.bias)
    return block


def is_window(layer: nn.Module) -> bool:
    """CBAM's convolution of two maps to one."""
    return isinstance(layer, nn.Conv2d) and tuple(layer.weight.shape) == (1, 2, KERNEL_SIZE, KERNEL_SIZE)
