"""The forms of blocks in TFLite files, for XNNPACK."""

from __future__ import annotations

from pocketbench.blocks.lowering import tflite_ca, tflite_cbam, tflite_cbam_channel, tflite_eca, tflite_se
from pocketbench.blocks.lowering.rule import Rule
from pocketbench.blocks.lowering.site import Form

TARGETS = ("tflite",)
FOLDED = "relu6(scores + 3) is a convolution's fused activation, and the factor 1/6 a part of the projection's weights"


def _cbam_rules(rows: Form, tiles: Form, reason: str) -> tuple[Rule, ...]:
    return (
        Rule(
            targets=TARGETS,
            kinds=("cbam",),
            form=rows,
            fits=tflite_cbam.has_short_rows,
            condition=f"W <= {tflite_cbam.WIDEST_ROW}",
            reason=f"{reason}; a whole row as channels needs no transpose",
        ),
        Rule(
            targets=TARGETS,
            kinds=("cbam",),
            form=tiles,
            fits=tflite_cbam.falls_into_tiles,
            condition="H and W multiples of 4",
            reason=f"{reason}; for long rows tiles take the fewest multiplications",
        ),
    )


TFLITE_RULES: tuple[Rule, ...] = (
    Rule(targets=TARGETS, kinds=("se",), form=tflite_se.PROJECTED, reason=FOLDED),
    Rule(
        targets=TARGETS,
        kinds=("eca",),
        form=tflite_eca.PROJECTED,
        fits=tflite_eca.fills_blocks,
        condition="C is a multiple of 16",
        reason=f"one small convolution stands for four grouped ones; {FOLDED}",
    ),
    Rule(
        targets=TARGETS,
        kinds=("eca",),
        form=tflite_eca.ALONE,
        fits=tflite_eca.fills_blocks,
        condition="C is a multiple of 16, no projection follows",
        reason="one small convolution stands for four grouped ones",
    ),
    *_cbam_rules(
        tflite_cbam.ROWS_BEHIND,
        tflite_cbam.TILES_BEHIND,
        "the gate scales the few channels behind the projection, and the 7x7 convolution fills vectors",
    ),
    *_cbam_rules(tflite_cbam.ROWS_ALONE, tflite_cbam.TILES_ALONE, "the 7x7 convolution fills vectors"),
    Rule(
        targets=TARGETS,
        kinds=("cbam_channel",),
        form=tflite_cbam_channel.PROJECTED,
        reason=f"the mlp runs once, its last layer on one vector; {FOLDED}",
    ),
    Rule(
        targets=TARGETS,
        kinds=("cbam_channel",),
        form=tflite_cbam_channel.ALONE,
        condition="no projection follows",
        reason="the mlp runs once, its last layer on one vector",
    ),
    *(
        Rule(targets=TARGETS, kinds=(kind,), form=form, reason=FOLDED)
        for kind, form in (
            ("ca", tflite_ca.BOTH),
            ("ca_x", tflite_ca.ROWS_ALONE),
            ("ca_y", tflite_ca.COLUMNS_ALONE),
        )
    ),
)
