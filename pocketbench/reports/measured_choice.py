"""Which measured accuracies a table shows: those of its files, all of one data set.

A column that mixes data sets would rank models by which pictures they were shown.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence

from pocketbench.core.errors import UsageError
from pocketbench.core.proportions import bound_fraction
from pocketbench.core.records import Accuracy, ModelSpec, TrainedAccuracy
from pocketbench.reports.labels import join_words
from pocketbench.reports.records import Seeds, TopOne

T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""The 97.5th percentile of Student's t with 1, 2, ... 9 degrees of freedom."""

_DataKey = tuple[str, str, str | None]
_NetworkKey = tuple[object, ...]


class MixedDataError(UsageError):
    """Files that were judged by different pictures can't share a column."""


def choose_measured(
    sha256s: Collection[str], accuracies: Iterable[Accuracy], dataset: str | None = None
) -> dict[str, Accuracy]:
    """The measured accuracy of each file, by its hash: of several the one of most pictures, then the last one.

    Args:
        dataset: the name of the data set to show; None where all were measured on one.

    Raises: MixedDataError when there are several data sets, or several of that name.
    """
    known = set(sha256s)
    mine = [item for item in accuracies if item.origin == "measured" and item.artifact_sha256 in known]
    if dataset is not None:
        mine = [item for item in mine if item.dataset == dataset]
    keys = dict.fromkeys(_key_data(item) for item in mine)
    if len(keys) > 1:
        names = sorted({item.dataset for item in mine})
        if len(names) > 1:
            cure = f"one of them for all: --data {' or --data '.join(names)}"
        else:
            cure = "the pictures have changed since: measure all files anew by pocketbench accuracy"
        described = join_words(f"{name} {split}{f' ({sha[:8]})' if sha else ''}" for name, split, sha in keys)
        raise MixedDataError(f"the accuracies of these files were measured on different pictures: {described}", cure)
    chosen: dict[str, Accuracy] = {}
    for item in mine:
        assert item.artifact_sha256 is not None
        earlier = chosen.get(item.artifact_sha256)
        if earlier is None or (item.image_count or 0) >= (earlier.image_count or 0):
            chosen[item.artifact_sha256] = item
    return chosen


def to_top_one(accuracy: Accuracy) -> TopOne:
    """With its interval, where the number of pictures is known."""
    low, high = bound_fraction(accuracy.top1_fraction, accuracy.image_count) if accuracy.image_count else (None, None)
    return TopOne(accuracy=accuracy, low_fraction=low, high_fraction=high)


def summarise_seeds(
    specs: Sequence[ModelSpec | None], trained: Iterable[TrainedAccuracy], dataset: str | None
) -> list[Seeds | None]:
    """What the trainings of each network from several seeds reached, in the order of `specs`.

    The interval is Student's, of the mean over seeds: mean -+ t * s / sqrt(n); None for a single seed.

    Args:
        dataset: only trainings that were judged by it; None takes all, when they are of one.

    Raises: MixedDataError when there are several data sets or recipes.
    """
    mine = [item for item in trained if dataset is None or item.dataset == dataset]
    by_network: dict[_NetworkKey, dict[int, TrainedAccuracy]] = {}
    for item in mine:
        by_network.setdefault(_key_network(item.spec), {})[item.seed] = item
    found = [by_network.get(_key_network(spec)) if spec is not None else None for spec in specs]
    shared = {
        (item.dataset, item.dataset_sha256, item.recipe_sha256) for group in found if group for item in group.values()
    }
    if len(shared) > 1:
        raise MixedDataError(
            "these networks were trained by several recipes or judged by several data sets",
            "train all of them by one suite: pocketbench train --suite NAME",
        )
    return [None if group is None else _summarise(list(group.values())) for group in found]


def _summarise(trained: list[TrainedAccuracy]) -> Seeds:
    fractions = [item.top1_fraction for item in sorted(trained, key=lambda item: item.seed)]
    count = len(fractions)
    mean = math.fsum(fractions) / count
    reach = None
    if 1 < count <= len(T95) + 1:
        variance = math.fsum((value - mean) ** 2 for value in fractions) / (count - 1)
        reach = T95[count - 2] * math.sqrt(variance / count)
    return Seeds(
        mean_fraction=mean,
        low_fraction=None if reach is None else max(0.0, mean - reach),
        high_fraction=None if reach is None else min(1.0, mean + reach),
        fractions=tuple(fractions),
        dataset=trained[0].dataset,
        recipe_sha256=trained[0].recipe_sha256,
    )


def _key_data(accuracy: Accuracy) -> _DataKey:
    return (accuracy.dataset, accuracy.split, accuracy.dataset_sha256)


def _key_network(spec: ModelSpec) -> _NetworkKey:
    """The network, whatever its weights."""
    return (
        spec.backbone,
        spec.block,
        spec.width_ratio or 1.0,
        spec.reduction_ratio,
        spec.gate,
        spec.class_count,
        spec.input_shape,
    )
