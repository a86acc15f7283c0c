"""Blocks that are here to be compared: each names what it costs."""

from __future__ import annotations

from pocketbench.blocks.entries.entry import BlockEntry

HEAVY_BLOCKS: dict[str, BlockEntry] = {}
