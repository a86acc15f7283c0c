"""The forms of blocks in ONNX files.

"onnx" is for a file that may run anywhere: only forms that lose to the published one neither with onnxruntime's blocked
layout (NCHWc, x86) nor without it. "onnx-x86" is for processors with that layout, "onnx-arm" for those without.
"""

from __future__ import annotations

from pocketbench.blocks.lowering.onnx_ca import (
    BlockedCoordinateAttention,
    ChannelsLastCoordinateAttention,
    ProductCoordinateAttention,
)
from pocketbench.blocks.lowering.onnx_cbam import BlockedCBAM, PlainCBAM
from pocketbench.blocks.lowering.onnx_channel_gate import GatedMap, GatedMapAtItsShape, GatedProjection
from pocketbench.blocks.lowering.onnx_eca import BlockedLineGate, LineGate
from pocketbench.blocks.lowering.onnx_layers import BLOCK
from pocketbench.blocks.lowering.onnx_se import BlockedSqueezeGate, ReducedSqueezeGate
from pocketbench.blocks.lowering.rule import Rule
from pocketbench.blocks.lowering.site import Form, Site

# From 40 x 40 on, scaling and reordering the map costs more than a convolution that can't prepare its weights.
LARGE_MAP = 1600
SMALL_MAP = 400


def has_whole_blocks(site: Site) -> bool:
    return site.channels % BLOCK == 0


def is_large_in_blocks(site: Site) -> bool:
    return has_whole_blocks(site) and site.positions >= LARGE_MAP


def is_small(site: Site) -> bool:
    return site.positions <= SMALL_MAP


def outweighs_projection(site: Site) -> bool:
    return site.positions >= site.outputs


X86_RULES = (
    Rule(
        targets=("onnx-x86",),
        kinds=("se",),
        form=Form(
            name="gate in the projection's weights",
            build=lambda site: GatedProjection(site, BlockedSqueezeGate(site)),
            takes_projection=True,
        ),
        fits=is_large_in_blocks,
        condition="C a multiple of 16, H W >= 1600",
        reason="the map is not scaled",
    ),
    Rule(
        targets=("onnx-x86",),
        kinds=("se",),
        form=Form(
            name="gate at the map's shape", build=lambda site: GatedMapAtItsShape(site, BlockedSqueezeGate(site))
        ),
        fits=has_whole_blocks,
        condition="C a multiple of 16",
        reason="the map stays in the blocked layout",
    ),
    Rule(
        targets=("onnx-x86",),
        kinds=("eca",),
        form=Form(
            name="gate in the projection's weights",
            build=lambda site: GatedProjection(site, BlockedLineGate(site)),
            takes_projection=True,
        ),
        fits=is_large_in_blocks,
        condition="C a multiple of 16, H W >= 1600",
        reason="the map is not scaled",
    ),
    Rule(
        targets=("onnx-x86",),
        kinds=("eca",),
        form=Form(name="gate at the map's shape", build=lambda site: GatedMapAtItsShape(site, BlockedLineGate(site))),
        fits=has_whole_blocks,
        condition="C a multiple of 16",
        reason="the map stays in the blocked layout",
    ),
    Rule(
        targets=("onnx-x86",),
        kinds=("cbam",),
        form=Form(name="gates at the shape of what they multiply", build=BlockedCBAM, takes_projection=True),
        fits=has_whole_blocks,
        condition="C a multiple of 16",
        reason="the map stays in the blocked layout",
    ),
    Rule(
        targets=("onnx-x86",),
        kinds=("ca",),
        form=Form(name="gates at the map's shape", build=BlockedCoordinateAttention),
        fits=has_whole_blocks,
        condition="C a multiple of 16",
        reason="the map stays in the blocked layout",
    ),
)

ARM_RULES = (
    Rule(
        targets=("onnx-arm",),
        kinds=("ca",),
        form=Form(name="channels last", build=ChannelsLastCoordinateAttention, takes_projection=True),
        fits=is_small,
        condition="H W <= 400",
        reason="rows of W elements are too short to broadcast along",
    ),
    Rule(
        targets=("onnx-arm",),
        kinds=("ca",),
        form=Form(name="gates multiplied as matrices", build=ProductCoordinateAttention),
        reason="a matrix product of one column and one row broadcasts quicker than a multiplication",
    ),
    Rule(
        targets=("onnx-arm",),
        kinds=("cbam",),
        form=Form(name="spatial gate after the projection", build=PlainCBAM, takes_projection=True),
        reason="the map is read once less",
    ),
    Rule(
        targets=("onnx-arm",),
        kinds=("se",),
        form=Form(
            name="gate in the projection's weights",
            build=lambda site: GatedProjection(site, ReducedSqueezeGate(site)),
            takes_projection=True,
        ),
        fits=outweighs_projection,
        condition="H W >= the projection's outputs",
        reason="there are fewer weights than positions to scale",
    ),
    Rule(
        targets=("onnx-arm",),
        kinds=("se",),
        form=Form(name="mean in one reduction", build=lambda site: GatedMap(ReducedSqueezeGate(site))),
        reason="the reduction reads a row at a time, the pool an element",
    ),
    Rule(
        targets=("onnx-arm",),
        kinds=("eca",),
        form=Form(
            name="gate in the projection's weights",
            build=lambda site: GatedProjection(site, LineGate(site)),
            takes_projection=True,
        ),
        fits=outweighs_projection,
        condition="H W >= the projection's outputs",
        reason="there are fewer weights than positions to scale",
    ),
    Rule(
        targets=("onnx-arm",),
        kinds=("eca",),
        form=Form(name="mean in one reduction, one line", build=lambda site: GatedMap(LineGate(site))),
        reason="the reduction reads a row at a time, the pool an element",
    ),
)

ONNX_RULES: tuple[Rule, ...] = (*X86_RULES, *ARM_RULES)
