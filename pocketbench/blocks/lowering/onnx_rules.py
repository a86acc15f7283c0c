"""The forms of blocks in ONNX files.

"onnx" is for a file that may run anywhere: only forms that lose to the published one neither with onnxruntime's blocked
layout (NCHWc, x86) nor without it. "onnx-x86" is for processors with that layout, "onnx-arm" for those without.
"""

from __future__ import annotations

from pocketbench.blocks.lowering.rule import Rule

ONNX_RULES: tuple[Rule, ...] = ()
