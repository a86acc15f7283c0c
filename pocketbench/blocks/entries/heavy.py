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
    "aa": BlockEntry(
        target="pocketbench.blocks.attention.augmented:AttentionAugmentedConvolution",
        summary="attention-augmented convolution, a 3x3 with some channels from self-attention",
        paper="Bello et al., ICCV 2019, arXiv:1904.09925",
        parameters="9 * C * C + C - (4 * C - 5 - max(4, C // r // 4 * 4)) * max(4, C // r // 4 * 4)",
        default_reduction=10,
        warning="four (H W)^2 attention matrices: 39 M numbers at 56 x 56, and 20 times the MACs of MobileNetV2",
    ),
    "non_local": BlockEntry(
        target="pocketbench.blocks.attention.non_local:NonLocal",
        summary="non-local block, each position a mean over all (embedded Gaussian)",
        paper="Wang et al., CVPR 2018, arXiv:1711.07971",
        parameters="4 * C * (C // r) + 3 * (C // r) + 3 * C",
        default_reduction=2,
        warning="(H W)^2 attention matrix: 9.8 M numbers at 56 x 56, and 14 times the MACs of MobileNetV2",
    ),
    "a2": BlockEntry(
        target="pocketbench.blocks.attention.double:DoubleAttention",
        summary="double attention, few descriptors gathered and handed out again",
        paper="Chen et al., NeurIPS 2018, arXiv:1810.11579",
        parameters="4 * C * (C // r) + 3 * (C // r) + C",
        default_reduction=4,
        warning="three times the MACs of MobileNetV2 at 224 x 224, 8.0 M parameters in place of 3.5 M",
    ),
    "sc": BlockEntry(
        target="pocketbench.blocks.attention.self_calibrated:SelfCalibratedConvolution",
        summary="self-calibrated convolution",
        paper="Liu et al., CVPR 2020 (no arXiv number)",
        parameters="9 * C * C + 4 * C",
        warning="four 3x3 convolutions: 14 times the MACs of MobileNetV2, 44 M parameters in place of 3.5 M",
    ),
    "cc": BlockEntry(
        target="pocketbench.blocks.attention.criss_cross:CrissCrossAttention",
        summary="criss-cross attention, over row and column, twice",
        paper="Huang et al., ICCV 2019, arXiv:1811.11721",
        parameters="C * C + 2 * C * (C // r) + C + 2 * (C // r) + 1",
        default_reduction=8,
        warning="two attentions of (H + W) H W numbers, 0.35 M at 56 x 56, and seven times the MACs of MobileNetV2",
    ),
    "strip": BlockEntry(
        target="pocketbench.blocks.attention.strip:StripPooling",
        summary="strip pooling, a gate of a position's row and column",
        paper="Hou et al., CVPR 2020, arXiv:2003.13328",
        parameters="7 * C * C + 5 * C",
        warning="7 C^2 weights: 35 M parameters in MobileNetV2 in place of 3.5 M, four times its MACs",
    ),
    "lsk": BlockEntry(
        target="pocketbench.blocks.attention.selective_kernel:LargeSelectiveKernel",
        summary="large selective kernel, two large convolutions mixed at each position",
        paper="Li et al., ICCV 2023, arXiv:2303.09030",
        parameters="3 * C * (C // r) + 2 * (C // r) + 77 * C + 198",
        default_reduction=2,
        warning="four times the MACs of MobileNetV2 at 224 x 224, 10.8 M parameters in place of 3.5 M",
    ),
    "lka": BlockEntry(
        target="pocketbench.blocks.attention.large_kernel:LargeKernelAttention",
        summary="large kernel attention, a product with a 21x21 convolution in three parts",
        paper="Guo et al., CVMJ 2023, arXiv:2202.09741",
        parameters="C * C + 77 * C",
        warning="three times the MACs of MobileNetV2 at 224 x 224, 8.6 M parameters in place of 3.5 M",
    ),
}
