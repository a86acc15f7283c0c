"""The slot of a backbone that an attention block goes into."""

from __future__ import annotations

from typing import Protocol

from torch import nn

from pocketbench.blocks.attention.se import SqueezeExcitation
from pocketbench.blocks.backbones.sizes import Size
from pocketbench.blocks.factory import make_block


class Slot(Protocol):
    """Makes the block for a map's channels and size: a list of one, empty without a block.

    `own_hidden` is the hidden width of the squeeze-and-excitation that the backbone's paper has at this place, None
    where it has none.
    """

    def __call__(self, channels: int, size: Size, own_hidden: int | None = None) -> list[nn.Module]: ...


def make_slot(
    block: str | None, reduction: int | None, gate: str, *, own_activation: type[nn.Module] = nn.ReLU6
) -> Slot:
    """The slot for one block; "se" without a reduction has the width that the backbone's paper gives it.

    `own_activation` is the one inside of the squeeze-and-excitation of that paper: its trained weights need it.

    In a Sequential the list stands directly before the 1x1 convolution that follows: a lowering may fold the gate into
    that convolution's weights.
    """

    def make(channels: int, size: Size, own_hidden: int | None = None) -> list[nn.Module]:
        if block is None:
            return []
        if block == "se" and reduction is None and own_hidden is not None:
            made: nn.Module = SqueezeExcitation.with_hidden(own_hidden, channels, size, gate=gate)
        else:
            made = make_block(block, channels=channels, size=size, reduction=reduction, gate=gate)
        if isinstance(made, SqueezeExcitation):
            made.conv[1] = own_activation()
        return [made]

    return make
