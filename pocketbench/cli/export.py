"""`pocketbench export`: convert models, verify each file, say what was kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
  pocketbench export --model mypackage.nets:build_net --format onnx,coreml:fp32
  pocketbench export --model mobilenet_v2 --checkpoint runs/best.safetensors --format tflite:int8,onnx:int8 \\
      --calibrate DATASET"""
)
@click.option("--suite", metavar="NAME|FILE", help="All models and formats of a suite.")
@options.describe_model
@click.option(
    "--format",
    "formats",
    metavar="LIST",
    help="onnx,tflite,coreml; onnx-x86 and onnx-arm are tuned, coreml:fp32 names a precision, and so do onnx:int8,"
    " tflite:fp16, tflite:dynamic_int8, tflite:int8, coreml:int8_weights, coreml:palette6.  [default: all three]",
)
@click.option(
    "--calibrate",
    metavar="DATASET",
    help="onnx:int8 and tflite:int8 of trained weights: its training pictures set the ranges of activations.",
)
@options.describe_framing
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the files.  [default: out/export]")
@options.as_json
def command(
    suite: str | None, formats: str | None, calibrate: str | None, out: Path | None, as_json: bool, **model: object
) -> None:
    """Convert models to ONNX, TFLite and Core ML. A file is kept only when it computes what the model computes."""
    from pocketbench.cli.export_view import show_outcome, warn_of_costs, watch_exports
    from pocketbench.workflow.accuracy_framing import parse_framing
    from pocketbench.workflow.export_models import export_models
    from pocketbench.workflow.model_request import list_model_variants, list_suite_variants
    from pocketbench.workflow.trained_weights import read_trained_suite

    framing_options: dict[str, Any] = {name: model.pop(name) for name in options.FRAMING_NAMES}
    given = {name: value for name, value in model.items() if value is not None}
    if (suite is None) == ("model" not in given):
        raise UsageError("export needs --suite NAME or --model NAME, one of them", "pocketbench export --suite paper")
    framing = parse_framing(**framing_options)
    if suite is not None and (given or formats or calibrate or framing):
        other = next(iter(given), "format" if formats else "calibrate" if calibrate else "mean")
        raise UsageError(f"--{other.replace('_', '-')} does not go with --suite", "the suite's file says it")
    variants = (
        list_suite_variants(read_trained_suite(suite))
        if suite is not None
        else list_model_variants(given, formats, calibrate, framing)
    )
    warn_of_costs(variants)
    folder = out or options.EXPORT_FOLDER
    with watch_exports(variants) as on_progress:
        outcome = export_models(variants, folder, on_progress)
    show_outcome(outcome, folder, as_json=as_json)
