"""Coordinate attention, of the official repository's two files, of timm, and whoever copied them."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from pocketbench.blocks.attention.coordinate import CoordinateAttention
from pocketbench.blocks.rewriting.activations import guess_inner_and_gate
from pocketbench.blocks.rewriting.layers import split_layers
from pocketbench.blocks.rewriting.squeeze import is_pointwise


def propose_coordinate(layers: list[nn.Module], channels: int, size: tuple[int, int]) -> Iterator[nn.Module]:
    """Coordinate attention with the paper's hard-swish and the original's hidden width; rows before columns."""
    weighted, activations = split_layers(layers)
    if len(weighted) != 3 or not is_pointwise(weighted[0], channels, None):
        return
    encode, rows, columns = weighted
    assert isinstance(encode, nn.Conv2d)
    hidden = encode.out_channels
    if not is_pointwise(rows, hidden, channels) or not is_pointwise(columns, hidden, channels):
        return
    for inner, gate in guess_inner_and_gate(activations):
        if type(inner) is not nn.Hardswish:
            continue
        block = CoordinateAttention(channels, size)
        block.hidden = hidden
        block.conv1, block.conv_h, block.conv_w = encode, rows, columns  # type: ignore[assignment]
        block.bn1 = nn.BatchNorm2d(hidden, eps=0.0).to(encode.weight)  # the original's is folded into conv1
        block.gate = gate
        yield block
