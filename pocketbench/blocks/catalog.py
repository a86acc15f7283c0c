"""The attention blocks, gates and backbones that have a name. Reading them imports no torch.

Third parties add theirs by entry points in the two groups. A block is a class whose constructor takes by keyword
what it needs of channels, size, reduction and gate (see factory.py); a backbone takes what it needs of input_shape,
class_count, width_ratio, block, reduction and gate (see build.py).
"""

from __future__ import annotations

import inspect

from pocketbench.blocks.entries.backbone import USUAL_CLASS_COUNT, BackboneEntry
from pocketbench.blocks.entries.entry import BlockEntry
from pocketbench.blocks.entries.heavy import HEAVY_BLOCKS
from pocketbench.blocks.entries.light import LIGHT_BLOCKS
from pocketbench.core.registry import Registry

BLOCKS = Registry("attention block", "pocketbench.blocks", {**LIGHT_BLOCKS, **HEAVY_BLOCKS})

BACKBONES = Registry(
    "backbone",
    "pocketbench.backbones",
    {
        "mobilenet_v2": BackboneEntry(
            target="pocketbench.blocks.backbones.mobilenet_v2:MobileNetV2",
            summary="MobileNetV2, attention before each projection (Sandler et al., 2018)",
        ),
        "mobilenext": BackboneEntry(
            target="pocketbench.blocks.backbones.mobilenext:MobileNeXt",
            summary="MobileNeXt, attention before each bottleneck (Zhou et al., 2020)",
        ),
        "mobilenet_v3_small": BackboneEntry(
            target="pocketbench.blocks.backbones.mobilenet_v3:MobileNetV3Small",
            summary="MobileNetV3-Small, attention in the place of its SE (Howard et al., 2019)",
            own_block="se",
        ),
        "mobilenet_v3_large": BackboneEntry(
            target="pocketbench.blocks.backbones.mobilenet_v3:MobileNetV3Large",
            summary="MobileNetV3-Large, attention in the place of its SE (Howard et al., 2019)",
            own_block="se",
        ),
        "efficientnet_b0": BackboneEntry(
            target="pocketbench.blocks.backbones.efficientnet:EfficientNetB0",
            summary="EfficientNet-B0, attention in the place of its SE (Tan and Le, 2019)",
            own_block="se",
        ),
        "ssdlite_mobilenet_v2": BackboneEntry(
            target="pocketbench.blocks.backbones.ssdlite:SSDLiteMobileNetV2",
            summary="SSDLite detector on MobileNetV2, raw boxes and class scores (Sandler et al., 2018)",
            class_count=81,
        ),
        "deeplabv3_mobilenet_v2": BackboneEntry(
            target="pocketbench.blocks.backbones.deeplab:DeepLabV3MobileNetV2",
            summary="DeepLabV3 segmentation on MobileNetV2, output stride 16 (Chen et al., 2017)",
            class_count=21,
        ),
        "deeplabv3_mobilenet_v2_stride8": BackboneEntry(
            target="pocketbench.blocks.backbones.deeplab:DeepLabV3MobileNetV2Stride8",
            summary="DeepLabV3 segmentation on MobileNetV2, output stride 8 (Chen et al., 2017)",
            class_count=21,
        ),
        "lraspp_mobilenet_v2": BackboneEntry(
            target="pocketbench.blocks.backbones.lraspp:LiteRASPPMobileNetV2",
            summary="Lite R-ASPP segmentation on MobileNetV2, output stride 16 (Howard et al., 2019)",
            class_count=21,
        ),
        "resnet18": BackboneEntry(
            target="pocketbench.blocks.backbones.resnet:ResNet18",
            summary="ResNet-18, attention before each addition (He et al., 2016)",
        ),
        "resnet50": BackboneEntry(
            target="pocketbench.blocks.backbones.resnet:ResNet50",
            summary="ResNet-50, attention before each addition (He et al., 2016)",
        ),
        "resnext18": BackboneEntry(
            target="pocketbench.blocks.backbones.resnet:ResNeXt18",
            summary="ResNeXt-18 (32x4d), attention before each addition (Xie et al., 2017)",
        ),
        "resnext50": BackboneEntry(
            target="pocketbench.blocks.backbones.resnet:ResNeXt50",
            summary="ResNeXt-50 (32x4d), attention before each addition (Xie et al., 2017)",
        ),
        "bn_inception": BackboneEntry(
            target="pocketbench.blocks.backbones.bn_inception:BNInception",
            summary="BN-Inception, attention behind each module (Ioffe and Szegedy, 2015)",
        ),
    },
)

GATES = ("hard_sigmoid", "sigmoid")
"""The gates by name, the default first; gates.py has their modules."""

SWAPPED_GATES = ("hard_sigmoid",)
"""The gates that can take the place of the sigmoid in a network that is rewritten."""


def default_reduction(block: str, backbone: str | None = None) -> int | None:
    """The reduction ratio that a block has when nobody chooses one.

    None for a block without one, and for the block that is the `backbone`'s own: its widths follow no single ratio.
    Only a plug-in's block is imported to find out.

    Raises: UnknownNameError.
    """
    entry = BLOCKS.entry(block)
    if backbone is not None:
        home = BACKBONES.entry(backbone)
        if isinstance(home, BackboneEntry) and home.own_block == block:
            return None
    if isinstance(entry, BlockEntry):
        return entry.default_reduction
    parameter = inspect.signature(BLOCKS.load(block)).parameters.get("reduction")
    return parameter.default if parameter is not None and isinstance(parameter.default, int) else None


def default_class_count(backbone: str) -> int:
    """The classes that a backbone has when nobody chooses a count.

    Only a plug-in's backbone is imported to find out.

    Raises: UnknownNameError.
    """
    entry = BACKBONES.entry(backbone)
    if isinstance(entry, BackboneEntry):
        return entry.class_count
    parameter = inspect.signature(BACKBONES.load(backbone)).parameters.get("class_count")
    return parameter.default if parameter is not None and isinstance(parameter.default, int) else USUAL_CLASS_COUNT
