"""The forms of blocks in TFLite files, for XNNPACK."""

from __future__ import annotations

from pocketbench.blocks.lowering.rule import Rule

TFLITE_RULES: tuple[Rule, ...] = ()
