"""`pocketbench explain`: which form each attention block of a model gets in a file, and why."""

from __future__ import annotations

import json
import textwrap

import click

from pocketbench.cli import options
from pocketbench.core.errors import UsageError
from pocketbench.core.targets import FORM_TARGETS

LINE_WIDTH = 100


@click.command(
    epilog="""\b
examples:
  pocketbench explain --model mobilenet_v2 --attention ca --target tflite
  pocketbench explain --model mypackage.nets:build_net --target onnx-x86 --json"""
)
@options.describe_model
@click.option(
    "--target", type=click.Choice(FORM_TARGETS), required=True, help="The runtime that the forms are chosen for."
)
@options.as_json
def command(target: str, as_json: bool, **model: object) -> None:
    """Say in which form each attention block is written for a runtime, and why. Nothing is exported."""
    from pocketbench.workflow.explain_model import explain_model
    from pocketbench.workflow.model_specs import make_spec

    given = {name: value for name, value in model.items() if value is not None}
    if "model" not in given:
        raise UsageError("explain needs --model NAME", "pocketbench explain --model mobilenet_v2 --attention ca")
    sites = explain_model(make_spec(**given), target)  # type: ignore[arg-type]
    if as_json:
        click.echo(json.dumps([site.to_plain() for site in sites], indent=2))
        return
    if not sites:
        click.echo("no attention block of the catalogue stands in this model: nothing to choose", err=True)
        return
    width = max(len(site.name) for site in sites)
    for site in sites:
        height, side = site.size
        place = f"{site.channels} x {height} x {side}" + (f" -> {site.outputs}" if site.outputs else "")
        click.echo(f"{site.name:<{width}}  {site.block} on {place}: {site.form}")
    click.echo()
    for form, condition, reason in dict.fromkeys((site.form, site.condition, site.reason) for site in sites):
        count = sum((site.form, site.condition) == (form, condition) for site in sites)
        click.echo(textwrap.fill(f"{form} ({count}), {condition}: {reason}", LINE_WIDTH, subsequent_indent="    "))
