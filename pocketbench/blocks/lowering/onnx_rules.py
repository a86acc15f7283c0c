"""The forms of blocks in ONNX files.

"onnx" is for a file that may run anywhere: only forms that lose to the published one neither with onnxruntime's blocked
layout (NCHWc, x86) nor without it. "onnx-x86" is for processors with that layout, "onnx-arm" for those without; the
latter was tuned on x86 with that layout switched off, not on an ARM processor. "onnx:int8" is for 8 bits, on x86.

The ratios in the reasons are overheads over the published form with its sigmoid, MobileNetV2 1.0 at 224 x 224.
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
from pocketbench.blocks.lowering.onnx_se import BlockedSqueezeGate, LinearSqueezeGate
from pocketbench.blocks.lowering.rule import Rule
from pocketbench.blocks.lowering.site import Form, Site
from pocketbench.core.targets import ONNX_INT8

X86, ARM, FLOAT_ANYWHERE = ("onnx-x86",), ("onnx-arm",), ("onnx",)
ANYWHERE = (*FLOAT_ANYWHERE, ONNX_INT8)
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


def far_outweighs_projection(site: Site) -> bool:
    return site.positions >= 4 * site.outputs


SE_BLOCKED_PROJECTION = Form(
    name="gate from blocked convolutions, in the projection's weights",
    build=lambda site: GatedProjection(site, BlockedSqueezeGate(site)),
    takes_projection=True,
)
SE_BLOCKED_MAP = Form(
    name="gate from blocked convolutions, at the map's shape",
    build=lambda site: GatedMapAtItsShape(site, BlockedSqueezeGate(site)),
)
SE_PROJECTION = Form(
    name="gate from linear layers, in the projection's weights",
    build=lambda site: GatedProjection(site, LinearSqueezeGate(site)),
    takes_projection=True,
)
SE_MAP = Form(name="gate from linear layers, on the map", build=lambda site: GatedMap(LinearSqueezeGate(site)))

ECA_BLOCKED_PROJECTION = Form(
    name="gate from one line, in the projection's weights",
    build=lambda site: GatedProjection(site, BlockedLineGate(site)),
    takes_projection=True,
)
ECA_BLOCKED_MAP = Form(
    name="gate from one line, at the map's shape", build=lambda site: GatedMapAtItsShape(site, BlockedLineGate(site))
)
ECA_PROJECTION = Form(
    name="gate from one line, in the projection's weights",
    build=lambda site: GatedProjection(site, LineGate(site)),
    takes_projection=True,
)
ECA_MAP = Form(name="gate from one line, on the map", build=lambda site: GatedMap(LineGate(site)))

CBAM_BLOCKED = Form(name="gates at the shape of what they multiply", build=BlockedCBAM, takes_projection=True)
CBAM_PLAIN = Form(name="spatial gate after the projection", build=PlainCBAM, takes_projection=True)

CA_BLOCKED = Form(name="gates at the map's shape", build=BlockedCoordinateAttention)
CA_CHANNELS_LAST = Form(name="channels last", build=ChannelsLastCoordinateAttention, takes_projection=True)
CA_PRODUCT = Form(name="gates multiplied as matrices", build=ProductCoordinateAttention)

WHOLE_BLOCKS = "C a multiple of 16"
LARGE_BLOCKS = "C a multiple of 16, H W >= 1600"

X86_RULES = (
    Rule(
        targets=X86,
        kinds=("se",),
        form=SE_BLOCKED_PROJECTION,
        fits=is_large_in_blocks,
        condition=LARGE_BLOCKS,
        reason="the map is larger than the cache and is not scaled; SE 0.67 in all",
    ),
    Rule(
        targets=X86,
        kinds=("se",),
        form=SE_BLOCKED_MAP,
        fits=has_whole_blocks,
        condition=WHOLE_BLOCKS,
        reason="factors of one shape stay in the blocked layout; SE 0.67 in all",
    ),
    Rule(
        targets=X86,
        kinds=("eca",),
        form=ECA_BLOCKED_PROJECTION,
        fits=is_large_in_blocks,
        condition=LARGE_BLOCKS,
        reason="the map is larger than the cache and is not scaled; ECA 0.71 in all",
    ),
    Rule(
        targets=X86,
        kinds=("eca",),
        form=ECA_BLOCKED_MAP,
        fits=has_whole_blocks,
        condition=WHOLE_BLOCKS,
        reason="factors of one shape stay in the blocked layout; ECA 0.71 in all",
    ),
    Rule(
        targets=X86,
        kinds=("cbam",),
        form=CBAM_BLOCKED,
        fits=has_whole_blocks,
        condition=WHOLE_BLOCKS,
        reason="the map leaves the blocked layout once, for the maximum over channels; 0.54",
    ),
    Rule(
        targets=X86,
        kinds=("ca",),
        form=CA_BLOCKED,
        fits=has_whole_blocks,
        condition=WHOLE_BLOCKS,
        reason="the map never leaves the blocked layout; 0.40",
    ),
)

PLAIN_RULES = (
    Rule(
        targets=ARM,
        kinds=("se",),
        form=SE_PROJECTION,
        fits=outweighs_projection,
        condition="H W >= the projection's outputs",
        reason="there are fewer weights to scale than positions; SE 0.65 in all",
    ),
    Rule(
        targets=ARM,
        kinds=("eca",),
        form=ECA_PROJECTION,
        fits=outweighs_projection,
        condition="H W >= the projection's outputs",
        reason="there are fewer weights to scale than positions; ECA 0.60 in all",
    ),
    Rule(
        targets=ANYWHERE,
        kinds=("se",),
        form=SE_PROJECTION,
        fits=far_outweighs_projection,
        condition="H W >= 4 times the projection's outputs",
        reason="cheaper in both layouts; SE 0.78 blocked, 0.77 plain in all",
    ),
    Rule(
        targets=ANYWHERE,
        kinds=("eca",),
        form=ECA_PROJECTION,
        fits=far_outweighs_projection,
        condition="H W >= 4 times the projection's outputs",
        reason="cheaper in both layouts; ECA 0.84 blocked, 0.65 plain in all",
    ),
    Rule(
        targets=(*ARM, *ANYWHERE, *X86),
        kinds=("se",),
        form=SE_MAP,
        reason="one reduction reads rows, a pool single elements: 5 times as quick in the plain layout",
    ),
    Rule(
        targets=(*ARM, *ANYWHERE, *X86),
        kinds=("eca",),
        form=ECA_MAP,
        reason="one reduction reads rows, a pool single elements: 5 times as quick in the plain layout",
    ),
    Rule(
        targets=(*ARM, *FLOAT_ANYWHERE, *X86),  # in 8 bits its pools over channels cost more than the whole block
        kinds=("cbam",),
        form=CBAM_PLAIN,
        reason="products and pools for the reductions over channels; 0.59 blocked, 0.58 plain",
    ),
    Rule(
        targets=(*ARM, *ANYWHERE, *X86),
        kinds=("ca",),
        form=CA_CHANNELS_LAST,
        fits=is_small,
        condition="H W <= 400",
        reason="rows of W elements are too short to broadcast along; CA 0.66 blocked, 0.20 plain in all",
    ),
    Rule(
        targets=(*ARM, *ANYWHERE, *X86),
        kinds=("ca",),
        form=CA_PRODUCT,
        reason="a product of matrices broadcasts quicker than a multiplication; CA 0.66 blocked, 0.20 plain in all",
    ),
)

ONNX_RULES: tuple[Rule, ...] = (*X86_RULES, *PLAIN_RULES)
