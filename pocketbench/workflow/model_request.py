"""What a user asked to export, as specs and targets: a suite, or one model by options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pocketbench.accuracy.recipe import Framing
from pocketbench.core.errors import UsageError
from pocketbench.core.records import FORMATS, ModelSpec
from pocketbench.core.targets import FormatTarget, parse_format_target
from pocketbench.workflow.calibration import attach_calibration
from pocketbench.workflow.model_specs import make_spec
from pocketbench.workflow.suites import Suite


def list_suite_variants(suite: Suite) -> list[tuple[ModelSpec, FormatTarget]]:
    """Every model of the suite with every format.

    Raises: UsageError when a format needs pictures for calibration, and the suite names none.
    """
    data = suite.calibrate or (suite.train.data if suite.train is not None else None)
    return [(spec, attach_calibration(spec, target, data)) for spec in suite.models for target in suite.formats]


def list_model_variants(
    options: Mapping[str, Any], formats: str | None, calibrate: str | None = None, framing: Framing | None = None
) -> list[tuple[ModelSpec, FormatTarget]]:
    """One model, by the keywords of `make_spec`, with every format of a list like "onnx,coreml:fp32" (None: all).

    Args:
        calibrate: the data set that formats of fixed ranges are calibrated on.
        framing: how its pictures are prepared, for weights that do not say so.

    Raises: UsageError for options that do not fit.
    """
    spec = make_spec(**options)
    names = formats.split(",") if formats is not None else FORMATS
    targets = dict.fromkeys(parse_format_target(name) for name in names)
    if calibrate is None and framing is not None:
        raise UsageError("--mean and the options beside it go with --calibrate", "name a data set, or leave them out")
    if calibrate is not None and not any(target.is_calibrated for target in targets):
        raise UsageError(
            f"--calibrate {calibrate} goes with a format that is calibrated", "add --format tflite:int8 or onnx:int8"
        )
    if calibrate is not None and spec.weights == "random":
        raise UsageError(
            f"--calibrate {calibrate} does not go with random weights, which are calibrated on random inputs",
            "leave it out, or name trained weights: --checkpoint FILE",
        )
    return [(spec, attach_calibration(spec, target, calibrate, framing)) for target in targets]
