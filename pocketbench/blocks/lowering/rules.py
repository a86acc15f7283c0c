"""Which form a block gets on which target, where, and why: the first rule that applies to a site decides.

The numbers behind the reasons are in docs/attention-overhead.md. A site that no rule applies to keeps the form that
the block is trained in.
"""

from __future__ import annotations

from pocketbench.blocks.lowering.merged_ema import EMA_RULES
from pocketbench.blocks.lowering.onnx_rules import ONNX_RULES
from pocketbench.blocks.lowering.rule import Rule
from pocketbench.blocks.lowering.site import Site
from pocketbench.blocks.lowering.tflite_rules import TFLITE_RULES

RULES: tuple[Rule, ...] = (*ONNX_RULES, *TFLITE_RULES, *EMA_RULES)


def find_rule(site: Site, target: str) -> Rule | None:
    """The rule that decides; None where the block keeps its own form."""
    return next((rule for rule in RULES if rule.applies(site, target)), None)
