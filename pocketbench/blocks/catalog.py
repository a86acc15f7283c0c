"""The attention blocks, gates and backbones that have a name. Reading them imports no torch.

Third parties add theirs by entry points in the two groups. A block is a class whose constructor takes by keyword
what it needs of channels, size, reduction and gate (see factory.py); a backbone takes what it needs of input_shape,
class_count, width_ratio, block, reduction and gate (see build.py).
"""

from __future__ import annotations

import inspect

from pocketbench.blocks.entries.entry import BlockEntry
from pocketbench.blocks.entries.heavy import HEAVY_BLOCKS
from pocketbench.blocks.entries.light import LIGHT_BLOCKS
from pocketbench.core.registry import Entry, Registry

BLOCKS = Registry("attention block", "pocketbench.blocks", {**LIGHT_BLOCKS, **HEAVY_BLOCKS})

BACKBONES = Registry(
    "backbone",
    "pocketbench.backbones",
    {
        "mobilenet_v2": Entry(
            target="pocketbench.blocks.backbones.mobilenet_v2:MobileNetV2",
            summary="MobileNetV2, attention before each projection (Sandler et al., 2018)",
        ),
    },
)

GATES = ("hard_sigmoid", "sigmoid")
"""The gates by name, the default first; gates.py has their modules."""


def default_reduction(block: str) -> int | None:
    """The reduction ratio that a block has when nobody chooses one; None for a block without one.

    Only a plug-in's block is imported to find out.

    Raises: UnknownNameError.
    """
    entry = BLOCKS.entry(block)
    if isinstance(entry, BlockEntry):
        return entry.default_reduction
    parameter = inspect.signature(BLOCKS.load(block)).parameters.get("reduction")
    return parameter.default if parameter is not None and isinstance(parameter.default, int) else None
