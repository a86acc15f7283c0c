"""The blocks that a module may turn out to be. A family proposes; the comparison of the outputs decides.

A proposal reads what the module holds, not what it is called: a copy of timm's SE in somebody's own repository is found
like timm's own, and one with another formula is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import nn

from pocketbench.blocks.catalog import BLOCKS
from pocketbench.blocks.rewriting.cbam import propose_cbam, propose_channel_attention, propose_spatial_attention
from pocketbench.blocks.rewriting.coordinate import propose_coordinate
from pocketbench.blocks.rewriting.eca import propose_channel_convolution
from pocketbench.blocks.rewriting.layers import read_layers
from pocketbench.blocks.rewriting.squeeze import propose_effective_squeeze, propose_squeeze

Propose = Callable[[list[nn.Module], int, tuple[int, int]], Iterator[nn.Module]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    name: str
    propose: Propose
    gain: str
    """What the replacement spares the file."""


POOLS = "fixed pools, and factors that are broadcast"

FAMILIES = (
    Family(name="squeeze-and-excitation", propose=propose_squeeze, gain=f"{POOLS}; 1x1 convolutions for linear layers"),
    Family(name="effective squeeze-and-excitation", propose=propose_effective_squeeze, gain=POOLS),
    Family(
        name="efficient channel attention",
        propose=propose_channel_convolution,
        gain=f"{POOLS}; no view of channels as positions",
    ),
    Family(name="CBAM", propose=propose_cbam, gain=f"{POOLS}; no concatenation of the two maps"),
    Family(name="CBAM's channel part", propose=propose_channel_attention, gain=POOLS),
    Family(name="CBAM's spatial part", propose=propose_spatial_attention, gain="no concatenation of the two maps"),
    Family(
        name="coordinate attention",
        propose=propose_coordinate,
        gain="no permute, concatenation and split of the strips",
    ),
)


def propose_blocks(module: nn.Module, channels: int, size: tuple[int, int]) -> Iterator[tuple[Family, nn.Module]]:
    """The blocks that `module` may be; the same ones in the same order for every copy of it."""
    layers = read_layers(module)
    for family in FAMILIES if layers else ():
        for block in family.propose(layers, channels, size):
            yield family, block.eval()


def find_own_blocks(model: nn.Module) -> list[str]:
    """The paths of the catalogue's blocks in `model`."""
    targets = {entry.target for entry in BLOCKS.entries().values()}
    return [
        path
        for path, module in model.named_modules()
        if f"{type(module).__module__}:{type(module).__qualname__}" in targets
    ]
