"""The slot of a backbone that an attention block goes into."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from pocketbench.blocks.backbones.sizes import Size
from pocketbench.blocks.factory import make_block

Slot = Callable[[int, Size], list[nn.Module]]


def make_slot(block: str | None, reduction: int | None, gate: str) -> Slot:
    """A function of a map's channels and size that makes the block for it: a list of one, empty without a block.

    In a Sequential the list stands directly before the 1x1 convolution that follows: a lowering may fold the gate into
    that convolution's weights.
    """

    def make(channels: int, size: Size) -> list[nn.Module]:
        if block is None:
            return []
        return [make_block(block, channels=channels, size=size, reduction=reduction, gate=gate)]

    return make
