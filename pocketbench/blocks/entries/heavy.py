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
}
