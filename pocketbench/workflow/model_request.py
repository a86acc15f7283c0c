"""What a user asked to export, as specs and targets: a suite, or one model by options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pocketbench.core.records import FORMATS, ModelSpec
from pocketbench.core.targets import FormatTarget, parse_format_target
from pocketbench.workflow.model_specs import make_spec
from pocketbench.workflow.suites import Suite


def list_suite_variants(suite: Suite) -> list[tuple[ModelSpec, FormatTarget]]:
    """Every model of the suite with every format."""
    return [(spec, target) for spec in suite.models for target in suite.formats]


def list_model_variants(options: Mapping[str, Any], formats: str | None) -> list[tuple[ModelSpec, FormatTarget]]:
    """One model, by the keywords of `make_spec`, with every format of a list like "onnx,coreml:fp32" (None: all).

    Raises: UsageError for options that do not fit.
    """
    spec = make_spec(**options)
    names = formats.split(",") if formats is not None else FORMATS
    return [(spec, target) for target in dict.fromkeys(parse_format_target(name) for name in names)]
