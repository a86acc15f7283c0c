"""How far two measured accuracies are apart, and whether the pictures can tell."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pocketbench.core.paired_accuracies import compare_accuracies
from pocketbench.reports.records import TopOne


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Top-1 of one minus that of another, with its 95 % interval; None where a number of pictures is not known.

    `is_paired` says that both judged the same pictures and were compared picture by picture.
    """

    fraction: float
    low_fraction: float | None
    high_fraction: float | None
    is_paired: bool

    @property
    def is_surely_less(self) -> bool:
        """Whether all of the interval is below 0; without one, whether the difference is."""
        return (self.fraction if self.high_fraction is None else self.high_fraction) < 0


def subtract_accuracies(head: TopOne, base: TopOne) -> Difference:
    """Head minus base: picture by picture where that was kept, else from the two intervals, which is less sharp.

    With p, l, u the fractions and the ends of their Wilson intervals, the ends of the interval are

        d - sqrt((p1 - l1)^2 + (u2 - p2)^2),  d + sqrt((u1 - p1)^2 + (p2 - l2)^2)

    Source: R. G. Newcombe, Interval estimation for the difference between independent proportions: comparison of eleven
    methods, Statistics in Medicine 17 (1998), method 10.
    """
    paired = compare_accuracies(base.accuracy, head.accuracy)
    if paired is not None:
        return Difference(
            fraction=paired.difference_fraction,
            low_fraction=paired.low_fraction,
            high_fraction=paired.high_fraction,
            is_paired=True,
        )
    one, two = head.accuracy.top1_fraction, base.accuracy.top1_fraction
    low = high = None
    if (
        head.low_fraction is not None
        and head.high_fraction is not None
        and base.low_fraction is not None
        and base.high_fraction is not None
    ):
        low = one - two - math.hypot(one - head.low_fraction, base.high_fraction - two)
        high = one - two + math.hypot(head.high_fraction - one, two - base.low_fraction)
    return Difference(fraction=one - two, low_fraction=low, high_fraction=high, is_paired=False)
