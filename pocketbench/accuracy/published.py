"""Published ImageNet top-1 figures and latencies, from published.csv and published_latency.csv beside this module.

A row of the files is a figure that was confirmed from a text its authors published; `source` is the repository, file
and commit. Figures of quantised models are left out: they belong to a file of a precision, not to an architecture.
Where the authors do not print a reduction ratio, `note` says how the ratio in the row was found.
"""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Iterable
from decimal import Decimal
from importlib import resources

from pocketbench.core.records import Accuracy, ModelSpec
from pocketbench.reports.accuracy_choice import fits_spec
from pocketbench.reports.labels import format_width
from pocketbench.reports.records import PublishedLatency

DATASET = "ImageNet-1k"
SPLIT = "validation"


def read_published() -> list[Accuracy]:
    """Every published figure, in the order of the file."""
    return list(_read_package_data())


def parse_published(text: str) -> list[Accuracy]:
    """The figures in a text with the columns backbone, block, width_ratio, reduction_ratio, input_size, top1_percent,
    params_m, madds_m, source, note. An empty cell is None."""
    return [_parse_row(row) for row in csv.DictReader(io.StringIO(text))]


def parse_published_latencies(text: str) -> list[PublishedLatency]:
    """The latencies in a text with the columns backbone, block, width_ratio, reduction_ratio, input_size,
    latency_low_ms, latency_high_ms, device, runtime, source."""
    return [_parse_latency(row) for row in csv.DictReader(io.StringIO(text))]


def find_published_latencies(specs: Iterable[ModelSpec]) -> tuple[PublishedLatency, ...]:
    """The published latencies of these very networks, in the order of the file."""
    wanted = list(specs)
    latencies = parse_published_latencies(_read_text("published_latency.csv"))
    return tuple(latency for latency in latencies if any(fits_spec(latency, spec) for spec in wanted))


def why_missing(spec: ModelSpec) -> str:
    """Why no published figure is shown for a variant, as one sentence."""
    figures = _read_package_data()
    attention = f"with {spec.block}" if spec.block is not None else "without attention"
    name = spec.backbone if spec.width_ratio is None else f"{spec.backbone} {format_width(spec.width_ratio)}"
    backbone = spec.backbone.removeprefix("timm:")
    if any(fits_spec(figure, spec) for figure in figures):
        return f"A figure is published for {name} {attention}, but was not given to this report."
    if backbone not in {figure.backbone for figure in figures}:
        return f"No published top-1 of {spec.backbone} is on record."
    same = [
        figure
        for figure in figures
        if (figure.backbone, figure.block, figure.width_ratio or 1.0) == (backbone, spec.block, spec.width_ratio or 1.0)
    ]
    if not same:
        return f"No published top-1 of {name} {attention} could be confirmed from a text source."
    if spec.class_count not in (None, 1000):
        return f"The published top-1 of {name} {attention} is for 1000 classes, not {spec.class_count}."
    if spec.block is not None and not any(figure.reduction_ratio == spec.reduction_ratio for figure in same):
        ratios = " and ".join(str(ratio) for ratio in sorted({figure.reduction_ratio or 0 for figure in same}))
        return f"The published top-1 of {name} {attention} is for reduction ratio {ratios}, not {spec.reduction_ratio}."
    sizes = " and ".join(f"{size} x {size}" for size in sorted({figure.input_size or 0 for figure in same}))
    own = " x ".join(map(str, spec.input_shape[-2:]))
    return f"The published top-1 of {name} {attention} is for inputs of {sizes}, not {own}."


@functools.cache
def _read_package_data() -> tuple[Accuracy, ...]:
    return tuple(parse_published(_read_text("published.csv")))


def _read_text(name: str) -> str:
    return resources.files("pocketbench.accuracy").joinpath(name).read_text(encoding="utf-8")


def _parse_row(row: dict[str, str]) -> Accuracy:
    return Accuracy(
        backbone=row["backbone"],
        block=row["block"] or None,
        width_ratio=_parse_width(row),
        reduction_ratio=_parse_ratio(row),
        artifact_sha256=None,
        dataset=DATASET,
        split=SPLIT,
        image_count=None,
        top1_fraction=float(Decimal(row["top1_percent"]) / 100),
        top5_fraction=None,
        origin="published",
        source=row["source"],
        input_size=int(row["input_size"]),
        parameter_count=_scale(row["params_m"], 1_000_000),
        mac_count=_scale(row["madds_m"], 1_000_000),
    )


def _parse_latency(row: dict[str, str]) -> PublishedLatency:
    return PublishedLatency(
        backbone=row["backbone"],
        block=row["block"] or None,
        width_ratio=_parse_width(row),
        reduction_ratio=_parse_ratio(row),
        input_size=int(row["input_size"]),
        low_ns=int(Decimal(row["latency_low_ms"]) * 1_000_000),
        high_ns=int(Decimal(row["latency_high_ms"]) * 1_000_000),
        device=row["device"],
        runtime=row["runtime"],
        source=row["source"],
    )


def _parse_width(row: dict[str, str]) -> float | None:
    return float(row["width_ratio"]) if row["width_ratio"] else None


def _parse_ratio(row: dict[str, str]) -> int | None:
    return int(row["reduction_ratio"]) if row["reduction_ratio"] else None


def _scale(text: str, factor: int) -> int | None:
    return int(Decimal(text) * factor) if text else None
