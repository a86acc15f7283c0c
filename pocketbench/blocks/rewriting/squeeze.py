"""Blocks with one factor a channel, computed from the means of all: SE and effective SE."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from pocketbench.blocks.attention.ese import EffectiveSqueezeExcitation
from pocketbench.blocks.attention.se import SqueezeExcitation
from pocketbench.blocks.rewriting.activations import GATES, guess_inner_and_gate
from pocketbench.blocks.rewriting.layers import split_layers


def propose_squeeze(layers: list[nn.Module], channels: int, size: tuple[int, int]) -> Iterator[nn.Module]:
    """SE: x * gate(W2 act(W1 mean(x) + b1) + b2), its activation and hidden width as in the original."""
    for reduce, inner, expand, gate in match_two_layers(layers, channels):
        block = SqueezeExcitation(channels, size, reduction=channels)
        block.conv = nn.Sequential(reduce, inner, expand)
        block.gate = gate
        yield block


def match_two_layers(
    layers: list[nn.Module], channels: int
) -> Iterator[tuple[nn.Conv2d, nn.Module, nn.Conv2d, nn.Module]]:
    """(C to hidden, activation, hidden to C, gate) in each way that the layers allow."""
    weighted, activations = split_layers(layers)
    if len(weighted) != 2:
        return
    reduce, expand = weighted
    if is_pointwise(reduce, channels, None) and is_pointwise(expand, None, channels):
        assert isinstance(reduce, nn.Conv2d)
        assert isinstance(expand, nn.Conv2d)
        if reduce.out_channels == expand.in_channels:
            for inner, gate in guess_inner_and_gate(activations):
                yield reduce, inner, expand, gate


def is_pointwise(layer: nn.Module, inputs: int | None, outputs: int | None) -> bool:
    """A 1x1 convolution of so many inputs and outputs; None for any number."""
    return (
        isinstance(layer, nn.Conv2d)
        and layer.kernel_size == (1, 1)
        and inputs in (None, layer.in_channels)
        and outputs in (None, layer.out_channels)
    )


def propose_effective_squeeze(layers: list[nn.Module], channels: int, size: tuple[int, int]) -> Iterator[nn.Module]:
    """SE without a hidden layer: x * gate(W mean(x) + b)."""
    weighted, activations = split_layers(layers)
    if len(weighted) == 1 and len(activations) <= 1 and is_pointwise(weighted[0], channels, channels):
        for gate in activations or [kind() for kind in GATES]:
            block = EffectiveSqueezeExcitation(channels, size)
            block.fc = weighted[0]  # type: ignore[assignment]
            block.gate = gate
            yield block
