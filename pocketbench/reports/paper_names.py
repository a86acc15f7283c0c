"""How papers print the names of the catalogue: "MobileNetV2", "CA". A name that is not here is printed as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pocketbench.reports.labels import BASELINE, format_width
from pocketbench.reports.records import Row

BACKBONES = {
    "mobilenet_v2": "MobileNetV2",
    "mobilenext": "MobileNeXt",
    "mobilenet_v3_small": "MobileNetV3-Small",
    "mobilenet_v3_large": "MobileNetV3-Large",
    "efficientnet_b0": "EfficientNet-B0",
    "ssdlite_mobilenet_v2": "SSDLite MobileNetV2",
    "deeplabv3_mobilenet_v2": "DeepLabV3 MobileNetV2",
    "deeplabv3_mobilenet_v2_stride8": "DeepLabV3 MobileNetV2, stride 8",
    "lraspp_mobilenet_v2": "LR-ASPP MobileNetV2",
    "resnet18": "ResNet-18",
    "resnet50": "ResNet-50",
    "resnext18": "ResNeXt-18",
    "resnext50": "ResNeXt-50",
    "bn_inception": "BN-Inception",
}

BLOCKS = {
    "se": "SE",
    "eca": "ECA",
    "cbam": "CBAM",
    "cbam_channel": "CBAM, channels alone",
    "cbam_spatial": "CBAM, positions alone",
    "ca": "CA",
    "ca_x": "X Attention",
    "ca_y": "Y Attention",
    "simam": "SimAM",
    "ge_free": "GE without weights",
    "gc": "GC",
    "ela": "ELA",
    "triplet": "Triplet Attention",
    "ema": "EMA",
    "gsop": "GSoP",
    "ese": "eSE",
    "scse": "scSE",
    "ge": "GE",
    "bam": "BAM",
    "gala": "GALA",
    "aa": "AA",
    "non_local": "Non-local",
    "a2": "A2",
    "sc": "SC",
    "cc": "CC",
    "strip": "SP",
    "lsk": "LSK",
    "lka": "LKA",
}


def name_block(block: str) -> str:
    return BLOCKS.get(block, block)


def name_networks(rows: Sequence[Row]) -> dict[str, str]:
    """What each group of rows is called: "MobileNetV2-0.75". The width is left out of a backbone that has 1.0 alone;
    the input's shape and the classes are named where they differ within the table."""
    specs = {row.group: row.spec for row in rows if row.group is not None and row.spec is not None}
    scaled = {spec.backbone for spec in specs.values() if spec.width_ratio not in (None, 1.0)}
    has_shapes = len({spec.input_shape for spec in specs.values()}) > 1
    has_classes = len({spec.class_count for spec in specs.values()}) > 1
    names = {}
    for group, spec in specs.items():
        name = BACKBONES.get(spec.backbone, spec.backbone)
        if spec.width_ratio is not None and spec.backbone in scaled:
            name += f"-{format_width(spec.width_ratio)}"
        if has_shapes:
            name += f", {' x '.join(map(str, spec.input_shape))}"
        if has_classes and spec.class_count is not None:
            name += f", {spec.class_count} classes"
        names[group] = name
    return names


def name_addition(row: Row, *, shows_gate: bool) -> str | None:
    """What was added to the network: "+ CA"; None for the network itself. Of a file without a spec its name."""
    if row.spec is None:
        return row.label
    twin = re.search(r" \[(?:seed \d+|[0-9a-f]{8})\]$", row.label)  # rows that nothing else tells apart
    told = twin[0] if twin is not None else ""
    if row.spec.block is None:
        return f"{BASELINE}{told}" if told else None
    gate = f", {row.spec.gate.replace('_', ' ')}" if shows_gate and row.spec.gate is not None else ""
    return f"+ {name_block(row.spec.block)}{gate}{told}"
