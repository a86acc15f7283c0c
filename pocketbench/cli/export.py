"""`pocketbench export`: convert models, verify each file, say what was kept."""

from __future__ import annotations

from pathlib import Path

import click

from pocketbench.cli import options
from pocketbench.core.errors import UsageError


@click.command(
    epilog="""\b
examples:
  pocketbench export --suite paper
  pocketbench export --model mobilenet_v2 --width 1.0 --attention ca --reduction 32 --input-size 224 --out out/ca
  pocketbench export --model timm:mobilenetv3_small_100 --format tflite
  pocketbench export --model mobilenet_v2 --attention ca --classes 100 --checkpoint runs/best.pth
  pocketbench export --model mypackage.nets:build_net --format onnx,coreml:fp32"""
)
@click.option("--suite", metavar="NAME|FILE", help="All models and formats of a suite.")
@options.describe_model
@click.option(
    "--format",
    "formats",
    metavar="LIST",
    help="onnx,tflite,coreml; onnx-x86 and onnx-arm are tuned, coreml:fp32 names a precision.  [default: all three]",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the files.  [default: out/export]")
@options.as_json
def command(suite: str | None, formats: str | None, out: Path | None, as_json: bool, **model: object) -> None:
    """Convert models to ONNX, TFLite and Core ML. A file is kept only when it computes what the model computes."""
    from pocketbench.cli.export_view import show_outcome, warn_of_costs, watch_exports
    from pocketbench.workflow.export_models import export_models
    from pocketbench.workflow.model_request import list_model_variants, list_suite_variants
    from pocketbench.workflow.trained_weights import read_trained_suite

    given = {name: value for name, value in model.items() if value is not None}
    if (suite is None) == ("model" not in given):
        raise UsageError("export needs --suite NAME or --model NAME, one of them", "pocketbench export --suite paper")
    if suite is not None and (given or formats):
        other = next(iter(given), "format")
        raise UsageError(f"--{other.replace('_', '-')} does not go with --suite", "the suite's file says it")
    variants = (
        list_suite_variants(read_trained_suite(suite)) if suite is not None else list_model_variants(given, formats)
    )
    warn_of_costs(variants)
    folder = out or options.EXPORT_FOLDER
    with watch_exports(variants) as on_progress:
        outcome = export_models(variants, folder, on_progress)
    show_outcome(outcome, folder, as_json=as_json)
