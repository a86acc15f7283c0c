"""The attention blocks, gates and backbones that have a name. Reading them imports no torch.

Third parties add theirs by entry points in the two groups. A block is a class whose constructor takes by keyword
what it needs of channels, size, reduction and gate (see factory.py); a backbone takes what it needs of input_shape,
class_count, width_ratio, block, reduction and gate (see build.py).
"""

from __future__ import annotations

import inspect

from pocketbench.core.registry import Entry, Registry

BLOCKS = Registry(
    "attention block",
    "pocketbench.blocks",
    {
        "se": Entry(
            target="pocketbench.blocks.se:SqueezeExcitation",
            summary="squeeze-and-excitation (Hu et al., 2018)",
        ),
        "eca": Entry(
            target="pocketbench.blocks.eca:EfficientChannelAttention",
            summary="efficient channel attention (Wang et al., 2020)",
        ),
        "cbam": Entry(
            target="pocketbench.blocks.cbam:CBAM",
            summary="CBAM, channel then spatial attention (Woo et al., 2018)",
        ),
        "cbam_channel": Entry(
            target="pocketbench.blocks.cbam:ChannelAttention",
            summary="the channel part of CBAM alone (Woo et al., 2018)",
        ),
        "cbam_spatial": Entry(
            target="pocketbench.blocks.cbam:SpatialAttention",
            summary="the spatial part of CBAM alone (Woo et al., 2018)",
        ),
        "ca": Entry(
            target="pocketbench.blocks.coordinate:CoordinateAttention",
            summary="coordinate attention (Hou et al., 2021)",
        ),
        "ca_x": Entry(
            target="pocketbench.blocks.coordinate:XAttention",
            summary="coordinate attention, horizontal pool alone (Hou et al., 2021)",
        ),
        "ca_y": Entry(
            target="pocketbench.blocks.coordinate:YAttention",
            summary="coordinate attention, vertical pool alone (Hou et al., 2021)",
        ),
    },
)

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

DEFAULT_REDUCTIONS = {"se": 16, "cbam": 16, "cbam_channel": 16, "ca": 32, "ca_x": 32, "ca_y": 32}
"""Block -> the reduction ratio of its paper; a block that is not named has none."""


def default_reduction(block: str) -> int | None:
    """The reduction ratio that a block has when nobody chooses one; None for a block without one.

    Only a plug-in's block is imported to find out.

    Raises: UnknownNameError.
    """
    if BLOCKS.entry(block).target.startswith("pocketbench."):
        return DEFAULT_REDUCTIONS.get(block)
    parameter = inspect.signature(BLOCKS.load(block)).parameters.get("reduction")
    return parameter.default if parameter is not None and isinstance(parameter.default, int) else None
