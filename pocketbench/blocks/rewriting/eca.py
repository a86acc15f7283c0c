"""ECA: one factor a channel, computed from the means of its neighbours."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from pocketbench.blocks.attention.channel_convolution import ChannelConvolution
from pocketbench.blocks.attention.eca import EfficientChannelAttention
from pocketbench.blocks.rewriting.activations import GATES
from pocketbench.blocks.rewriting.layers import split_layers


def propose_channel_convolution(layers: list[nn.Module], channels: int, size: tuple[int, int]) -> Iterator[nn.Module]:
    """ECA with the original's kernel, of any odd size."""
    weighted, activations = split_layers(layers)
    if len(weighted) != 1 or len(activations) > 1 or not isinstance(weighted[0], nn.Conv1d):
        return
    line = weighted[0]
    for gate in activations or [kind() for kind in GATES]:
        block = EfficientChannelAttention(channels, size)
        block.conv = ChannelConvolution(channels, line.kernel_size[0]).to(line.weight)
        block.conv.weight = nn.Parameter(line.weight.detach().clone())
        block.gate = gate
        yield block
