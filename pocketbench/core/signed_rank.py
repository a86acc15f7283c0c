"""The signed-rank test of one sample and the interval that belongs to it: no distribution is assumed but symmetry.

Source: Wilcoxon, Individual comparisons by ranking methods, Biometrics Bulletin 1 (1945); Hollander, Wolfe and Chicken,
Nonparametric Statistical Methods, 3rd edition (2014), sections 3.1 to 3.3.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from pocketbench.core.estimates import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """The Hodges-Lehmann estimate, the median of the means of all pairs of values, each with itself too; `low` and
    `high` bound it with at least the confidence asked for, None when the sample is too small for that."""

    value: float
    low: float | None
    high: float | None


def find_greater_p(values: Sequence[float], margin: float) -> float:
    """P(W >= w) when the values lie symmetrically about `margin`: small when they lie above it.

    W is the sum of the ranks of |value - margin| over the values above. Ties share the mean of their ranks, and a value
    on the margin counts as one below: the p-value then is rather too large.

    Cost: O(n^3) for n values. Raises: ValueError when there is none.
    """
    if not values:
        raise ValueError("an empty sample has no rank")
    differences = sorted((value - margin for value in values), key=abs)
    doubled_ranks: list[int] = []
    for _, group in itertools.groupby(differences, key=abs):
        size = len(list(group))
        doubled_ranks += [2 * len(doubled_ranks) + size + 1] * size
    statistic = sum(rank for rank, value in zip(doubled_ranks, differences, strict=True) if value > 0)
    counts = _count_sums(tuple(doubled_ranks))
    return float(sum(counts[statistic:]) / 2 ** len(values))


def locate(values: Sequence[float], confidence: float) -> Location:
    """The estimate and its two-sided interval [a(k), a(N + 1 - k)] of the N = n(n+1)/2 ordered means of pairs, for the
    largest k with P(W <= k - 1) <= (1 - confidence) / 2.

    Raises: ValueError when there is no value.
    """
    means = sorted((first + second) / 2 for first, second in itertools.combinations_with_replacement(values, 2))
    value = median(means)
    counts = _count_sums(tuple(2 * rank for rank in range(1, len(values) + 1)))[::2]
    allowed = (1 - confidence) / 2 * 2 ** len(values)
    rank, total = 0, counts[0]
    while total <= allowed:
        rank += 1
        total += counts[rank]
    if rank == 0:
        return Location(value=value, low=None, high=None)
    return Location(value=value, low=means[rank - 1], high=means[len(means) - rank])


@functools.lru_cache(maxsize=32)
def _count_sums(ranks: tuple[int, ...]) -> list[int]:
    """How many of the 2^n subsets of the ranks have each sum."""
    counts = [1]
    for rank in ranks:
        longer = counts + [0] * rank
        for total, count in enumerate(counts):
            longer[total + rank] += count
        counts = longer
    return counts
