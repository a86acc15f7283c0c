"""Blocks that a phone can carry: a few operators over pooled maps or single channels."""

from __future__ import annotations

from pocketbench.blocks.entries.entry import BlockEntry

LIGHT_BLOCKS = {
    "se": BlockEntry(
        target="pocketbench.blocks.attention.se:SqueezeExcitation",
        summary="squeeze-and-excitation",
        paper="Hu et al., CVPR 2018, arXiv:1709.01507",
        parameters="2 * C * (C // r) + C // r + C",
        default_reduction=16,
    ),
    "eca": BlockEntry(
        target="pocketbench.blocks.attention.eca:EfficientChannelAttention",
        summary="efficient channel attention",
        paper="Wang et al., CVPR 2020, arXiv:1910.03151",
        parameters="int((log2(C) + 1) / 2) // 2 * 2 + 1",
    ),
    "cbam": BlockEntry(
        target="pocketbench.blocks.attention.cbam:CBAM",
        summary="CBAM, channel then spatial attention",
        paper="Woo et al., ECCV 2018, arXiv:1807.06521",
        parameters="2 * C * (C // r) + C // r + C + 99",
        default_reduction=16,
    ),
    "cbam_channel": BlockEntry(
        target="pocketbench.blocks.attention.cbam:ChannelAttention",
        summary="the channel part of CBAM alone",
        paper="Woo et al., ECCV 2018, arXiv:1807.06521",
        parameters="2 * C * (C // r) + C // r + C",
        default_reduction=16,
    ),
    "cbam_spatial": BlockEntry(
        target="pocketbench.blocks.attention.cbam:SpatialAttention",
        summary="the spatial part of CBAM alone",
        paper="Woo et al., ECCV 2018, arXiv:1807.06521",
        parameters="99",
    ),
    "ca": BlockEntry(
        target="pocketbench.blocks.attention.coordinate:CoordinateAttention",
        summary="coordinate attention",
        paper="Hou et al., CVPR 2021, arXiv:2103.02907",
        parameters="max(8, C // r) * (3 * C + 3) + 2 * C",
        default_reduction=32,
    ),
    "ca_x": BlockEntry(
        target="pocketbench.blocks.attention.coordinate:XAttention",
        summary="coordinate attention, horizontal pool alone",
        paper="Hou et al., CVPR 2021, arXiv:2103.02907",
        parameters="max(8, C // r) * (2 * C + 3) + C",
        default_reduction=32,
    ),
    "ca_y": BlockEntry(
        target="pocketbench.blocks.attention.coordinate:YAttention",
        summary="coordinate attention, vertical pool alone",
        paper="Hou et al., CVPR 2021, arXiv:2103.02907",
        parameters="max(8, C // r) * (2 * C + 3) + C",
        default_reduction=32,
    ),
    "simam": BlockEntry(
        target="pocketbench.blocks.attention.simam:SimAM",
        summary="SimAM, each value against its channel's mean and variance",
        paper="Yang et al., ICML 2021, PMLR 139 (no arXiv number)",
        parameters="0",
    ),
    "ge_free": BlockEntry(
        target="pocketbench.blocks.attention.gather_excite:ParameterFreeGatherExcite",
        summary="gather-excite without weights",
        paper="Hu et al., NeurIPS 2018, arXiv:1810.12348",
        parameters="0",
    ),
    "gc": BlockEntry(
        target="pocketbench.blocks.attention.global_context:GlobalContext",
        summary="global context, a weighted mean of the map added to it",
        has_gate=False,
        paper="Cao et al., ICCV workshops 2019, arXiv:1904.11492",
        parameters="2 * C * (C // r) + 3 * (C // r) + 2 * C + 1",
        default_reduction=16,
    ),
    "ela": BlockEntry(
        target="pocketbench.blocks.attention.ela:EfficientLocalAttention",
        summary="efficient local attention, a gate per row and per column",
        paper="Xu et al., preprint 2024, arXiv:2403.01123",
        parameters="9 * C",
    ),
    "triplet": BlockEntry(
        target="pocketbench.blocks.attention.triplet:TripletAttention",
        summary="triplet attention, a gate for each pair of axes",
        paper="Misra et al., WACV 2021, arXiv:2010.03045",
        parameters="300",
    ),
    "ema": BlockEntry(
        target="pocketbench.blocks.attention.multi_scale:EfficientMultiScaleAttention",
        summary="efficient multi-scale attention, groups of channels gated alike",
        paper="Ouyang et al., ICASSP 2023, arXiv:2305.13563",
        parameters="10 * (C // r) * (C // r) + 4 * (C // r)",
        default_reduction=8,
    ),
    "gsop": BlockEntry(
        target="pocketbench.blocks.attention.gsop:SecondOrderPooling",
        summary="global second-order pooling, channels gated by their covariances",
        paper="Gao et al., CVPR 2019, arXiv:1811.12006",
        parameters="5 * C * (C // r) + 4 * (C // r) * (C // r) + C + 9 * (C // r)",
        default_reduction=16,
    ),
}
