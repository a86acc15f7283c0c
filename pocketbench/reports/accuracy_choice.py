"""Which accuracy stands in which row: all rows of one backbone from one source.

Two papers train the same network differently (72.3 % and 71.8 % are both published for MobileNetV2 1.0), so that a
variant from one source beside a baseline from another shows the recipes' difference as if it were the attention's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pocketbench.core.records import Accuracy, ModelSpec

_Series = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What an accuracy can belong to: a spec, and the files that were made of it."""

    spec: ModelSpec | None
    sha256s: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The accuracy of a variant, or None. `left_out` are others of it, from sources its backbone is not compared by."""

    accuracy: Accuracy | None
    left_out: tuple[Accuracy, ...]


def fits_spec(accuracy: Accuracy, spec: ModelSpec) -> bool:
    """Whether a published accuracy is of this very network: backbone, block, width, ratio, 1000 classes, input size.

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


def choose_accuracies(variants: Sequence[Variant], accuracies: Iterable[Accuracy]) -> list[Choice]:
    """One accuracy a variant, in the order of `variants`.

    A measured accuracy belongs to the variant that has the file; a published one to the variant of its spec. Of each
    backbone the series (measured on one split, or published by one source) is chosen that covers most of its variants;
    on a tie measured before published, then the one given first. Of several figures of one variant in one series the
    last one counts.
    """
    matches = _match(variants, accuracies)
    chosen_series: dict[str, _Series] = {}
    coverage: dict[str, dict[_Series, int]] = {}
    for variant, found in zip(variants, matches, strict=True):
        counts = coverage.setdefault(_comparison(variant), {})
        for series in found:
            counts[series] = counts.get(series, 0) + 1
    order = {series: rank for rank, series in enumerate(dict.fromkeys(key for found in matches for key in found))}
    for comparison, counts in coverage.items():
        if counts:
            chosen_series[comparison] = min(counts, key=lambda key: (-counts[key], key[0] != "measured", order[key]))
    choices = []
    for variant, found in zip(variants, matches, strict=True):
        series_or_none = chosen_series.get(_comparison(variant))
        left_out = tuple(accuracy for series, accuracy in found.items() if series != series_or_none)
        accuracy = None if series_or_none is None else found.get(series_or_none)
        choices.append(Choice(accuracy=accuracy, left_out=left_out))
    return choices


def _match(variants: Sequence[Variant], accuracies: Iterable[Accuracy]) -> list[dict[_Series, Accuracy]]:
    """For each variant its accuracies by series, in the order given."""
    by_file: dict[str, list[Accuracy]] = {}
    by_network: dict[tuple[str, str | None], list[Accuracy]] = {}
    for accuracy in accuracies:
        if accuracy.origin == "measured" and accuracy.artifact_sha256 is not None:
            by_file.setdefault(accuracy.artifact_sha256, []).append(accuracy)
        elif accuracy.origin == "published":
            by_network.setdefault((accuracy.backbone, accuracy.block), []).append(accuracy)
    found = []
    for variant in variants:
        series: dict[_Series, Accuracy] = {}
        for sha256 in reversed(variant.sha256s):  # the first file of a variant is written last and counts
            for accuracy in by_file.get(sha256, ()):
                series[_series(accuracy)] = accuracy
        if variant.spec is not None:
            for accuracy in by_network.get((variant.spec.backbone.removeprefix("timm:"), variant.spec.block), ()):
                if fits_spec(accuracy, variant.spec):
                    series[_series(accuracy)] = accuracy
        found.append(series)
    return found


def _series(accuracy: Accuracy) -> _Series:
    source = accuracy.source if accuracy.origin == "published" else ""
    return (accuracy.origin, accuracy.dataset, accuracy.split, source)


def _comparison(variant: Variant) -> str:
    if variant.spec is not None:
        return variant.spec.backbone
    return "file " + "".join(variant.sha256s)
