"""Which published accuracy stands in which row: all rows of one backbone from one source.

Two papers train the same network differently (72.3 % and 71.8 % are both published for MobileNetV2 1.0), so that a
variant from one source beside a baseline from another shows the recipes' difference as if it were the attention's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pocketbench.core.records import Accuracy, ModelSpec
from pocketbench.reports.records import PublishedLatency

_Series = tuple[str, str, str]

LEFT_OUT = "Left out, because the rows of one backbone are compared by one source"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The figure of a variant, or None. `left_out` are others of it, from sources its backbone is not compared by."""

    accuracy: Accuracy | None
    left_out: tuple[Accuracy, ...]


def fits_spec(accuracy: Accuracy | PublishedLatency, spec: ModelSpec) -> bool:
    """Whether a published figure is of this very network: backbone, block, width, ratio, 1000 classes, input size.

    No width is a width of 1. "timm:NAME" is the network NAME.
    """
    return (
        accuracy.backbone == spec.backbone.removeprefix("timm:")
        and accuracy.block == spec.block
        and (accuracy.width_ratio or 1.0) == (spec.width_ratio or 1.0)
        and (spec.block is None or accuracy.reduction_ratio == spec.reduction_ratio)
        and spec.class_count in (None, 1000)
        and (accuracy.input_size is None or spec.input_shape[-2:] == (accuracy.input_size, accuracy.input_size))
    )


def choose_published(specs: Sequence[ModelSpec | None], accuracies: Iterable[Accuracy]) -> list[Choice]:
    """One published accuracy a spec, in the order of `specs`; a file without a spec (None) has none.

    Of each backbone the source is chosen that covers most of its variants; on a tie the one given first. Of several
    figures of one variant from one source the last one counts.
    """
    matches = _match(specs, accuracies)
    coverage: dict[str, dict[_Series, int]] = {}
    for spec, found in zip(specs, matches, strict=True):
        for series in found:
            assert spec is not None
            counts = coverage.setdefault(spec.backbone, {})
            counts[series] = counts.get(series, 0) + 1
    order = {series: rank for rank, series in enumerate(dict.fromkeys(key for found in matches for key in found))}
    chosen = {
        backbone: min(counts, key=lambda key, counts=counts: (-counts[key], order[key]))  # type: ignore[misc]
        for backbone, counts in coverage.items()
    }
    choices = []
    for spec, found in zip(specs, matches, strict=True):
        series_or_none = chosen.get(spec.backbone) if spec is not None else None
        left_out = tuple(accuracy for series, accuracy in found.items() if series != series_or_none)
        accuracy = None if series_or_none is None else found.get(series_or_none)
        choices.append(Choice(accuracy=accuracy, left_out=left_out))
    return choices


def _match(specs: Sequence[ModelSpec | None], accuracies: Iterable[Accuracy]) -> list[dict[_Series, Accuracy]]:
    """For each spec its accuracies by series, in the order given."""
    by_network: dict[tuple[str, str | None], list[Accuracy]] = {}
    for accuracy in accuracies:
        if accuracy.origin == "published":
            by_network.setdefault((accuracy.backbone, accuracy.block), []).append(accuracy)
    found = []
    for spec in specs:
        series: dict[_Series, Accuracy] = {}
        if spec is not None:
            for accuracy in by_network.get((spec.backbone.removeprefix("timm:"), spec.block), ()):
                if fits_spec(accuracy, spec):
                    series[accuracy.dataset, accuracy.split, accuracy.source] = accuracy
        found.append(series)
    return found
