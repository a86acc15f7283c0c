"""Blocks that are here to be compared: each names what it costs."""

from __future__ import annotations

from pocketbench.blocks.entries.entry import BlockEntry

HEAVY_BLOCKS: dict[str, BlockEntry] = {
    "ese": BlockEntry(
        target="pocketbench.blocks.attention.ese:EffectiveSqueezeExcitation",
        summary="squeeze-and-excitation without a hidden layer",
        paper="Lee et al., CVPR 2020, arXiv:1911.06667",
        parameters="C * C + C",
        warning="C x C weights: 4.5 M in MobileNetV2, more than the network itself has",
    ),
    "scse": BlockEntry(
        target="pocketbench.blocks.attention.scse:SpatialChannelSqueezeExcitation",
        summary="squeeze-and-excitation of channels and of positions, summed",
        paper="Roy et al., MICCAI 2018, arXiv:1803.02579",
        parameters="2 * C * (C // r) + C // r + 2 * C + 1",
        default_reduction=2,
        warning="at its ratio of 2 it has C x C weights: 4.5 M in MobileNetV2, more than the network; 16 leaves 0.6 M",
    ),
    "ge": BlockEntry(
        target="pocketbench.blocks.attention.gather_excite:GatherExcite",
        summary="gather-excite with a kernel as large as the map",
        paper="Hu et al., NeurIPS 2018, arXiv:1810.12348",
        parameters="C * (H * W + 2)",
        warning="as many weights as the map has values: 1.9 M in MobileNetV2 at 224 x 224, half a file more",
    ),
    "bam": BlockEntry(
        target="pocketbench.blocks.attention.bam:BAM",
        summary="BAM, a channel and a spatial branch side by side",
        paper="Park et al., BMVC 2018, arXiv:1807.06514",
        parameters="3 * C * (C // r) + 18 * (C // r) * (C // r) + C + 13 * (C // r) + 1",
        default_reduction=16,
        warning="four convolutions over the whole map, a quarter more MACs in MobileNetV2 at 224 x 224",
    ),
    "gala": BlockEntry(
        target="pocketbench.blocks.attention.gala:GALA",
        summary="global and local attention, scores of channels and of positions",
        paper="Linsley et al., ICLR 2019, arXiv:1805.08819",
        parameters="3 * C * (C // r) + 3 * C + 3 * (C // r) + 1",
        default_reduction=4,
        warning="a convolution to C / 4 channels and a tanh over the whole map, half the MACs of MobileNetV2 once more",
    ),
}
