"""Options and default places that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pocketbench.accuracy.preprocessing_rules import CROPS, INTERPOLATIONS

EXPORT_FOLDER = Path("out/export")
REPORT_FOLDER = Path("out/report")

as_json = click.option("--json", "as_json", is_flag=True, help="Print data as JSON.")

MODEL_OPTIONS = (
    click.option("--model", metavar="NAME", help="A backbone, timm:NAME, or package.module:function."),
    click.option("--width", type=float, help="Width multiplier of a backbone.  [default: 1.0]"),
    click.option("--attention", metavar="BLOCK", help="Attention block in the backbone's slot.  [default: none]"),
    click.option("--reduction", type=int, help="The block's reduction ratio.  [default: the paper's]"),
    click.option("--gate", metavar="NAME", help="hard_sigmoid or sigmoid.  [default: hard_sigmoid]"),
    click.option("--classes", type=int, help="Classes of the model.  [default: 1000; detector 81, segmenter 21]"),
    click.option("--input-size", metavar="N|HxW", help="Height and width of the input.  [default: 224]"),
    click.option("--channels", type=int, help="Channels of the input.  [default: 3]"),
    click.option(
        "--weights",
        type=click.Choice(["given", "random"]),
        help="Of a function's model: as it returned them, or drawn anew.  [default: given]",
    ),
    click.option(
        "--checkpoint", metavar="FILE", type=click.Path(), help="Trained weights: .safetensors, .pth, .pt or .pth.tar."
    ),
    click.option("--seed", type=int, help="Of random weights.  [default: 0]"),
    click.option(
        "--rewrite", is_flag=True, default=None, help="Exchange what exports badly in a timm model or a function's."
    ),
    click.option(
        "--swap-gates", metavar="NAME", help="With --rewrite: hard_sigmoid for sigmoid gates; changes the function."
    ),
)
"""What describes one model, by the keywords of workflow.model_specs.make_spec."""

FRAMING_NAMES = ("mean", "std", "resize", "crop", "interpolation")
FRAMING_OPTIONS = (
    click.option("--mean", metavar="LIST", help="(value - mean) / std: one number, or one a channel."),
    click.option("--std", metavar="LIST", help="As --mean."),
    click.option("--resize", type=click.IntRange(1, 65_536), help="Shorter side before the crop.  [default: as it is]"),
    click.option(
        "--crop",
        type=click.Choice(CROPS),
        help="Cut out the middle, or change the proportions.  [default: center]",
    ),
    click.option("--interpolation", type=click.Choice(INTERPOLATIONS), help="Of a resize."),
)
"""How the pictures for weights that do not say so are prepared: the keywords of workflow.accuracy_framing."""


def describe_model(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of one model."""
    for option in reversed(MODEL_OPTIONS):
        command = option(command)
    return command


def describe_framing(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of `parse_framing`."""
    for option in reversed(FRAMING_OPTIONS):
        command = option(command)
    return command
