"""What people use today, as those tools define it, on base and head timed one after the other.

Each side is loaded twice and called `CALL_COUNT` times in a row, first base, then head, as CI jobs run benchmarks.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from scipy import stats

LOADS = 2
CALL_COUNT = 100
WARMUP_COUNT = 10

MEAN_RATIO = 1.05

ASV_P = 0.002
ASV_FACTOR = 1.1
ASV_SAMPLE_NS = 10_000_000
"""asv calls as often as takes 10 ms and keeps the mean of those calls as one sample; 10 samples a process."""
ASV_SAMPLES = 10

BENCHER_BOUNDARY = 0.99
BENCHER_HISTORY = 64
BENCHER_MINIMUM = 2

ACTION_RATIO = 2.0

Loads = Sequence[Sequence[int]]
"""The calls of each load of a side, in ns on the wall."""


def judge(base: Loads, head: Loads, history: Sequence[float]) -> dict[str, bool | None]:
    """Which rule raises an alarm; None where it can't say yet.

    Args:
        history: the means of earlier runs of base, oldest first.
    """
    return {
        "two means, 5 %": mean(head) > MEAN_RATIO * mean(base),
        "asv": judge_asv(base, head),
        "bencher": judge_bencher(mean(head), history),
        "github-action-benchmark": mean(head) > ACTION_RATIO * mean(base),
    }


def mean(loads: Loads) -> float:
    return statistics.fmean(call for load in loads for call in load)


def judge_asv(base: Loads, head: Loads) -> bool:
    """Different by Mann and Whitney's test at p < 0.002, and the median more than 1.1 times as large.

    Source: asv.statistics.is_different and asv.commands.compare (asv 0.6): `asv continuous` with its defaults.
    """
    samples = [[sample for load in side for sample in make_asv_samples(load)] for side in (base, head)]
    p_value = stats.mannwhitneyu(*samples, alternative="two-sided", method="auto").pvalue
    return bool(p_value < ASV_P and statistics.median(samples[1]) > ASV_FACTOR * statistics.median(samples[0]))


def make_asv_samples(load: Sequence[int]) -> list[float]:
    number = max(1, round(ASV_SAMPLE_NS / statistics.median(load)))
    means = [statistics.fmean(load[start : start + number]) for start in range(0, len(load) - number + 1, number)]
    return means[:ASV_SAMPLES]


def judge_bencher(value: float, history: Sequence[float]) -> bool | None:
    """Beyond the upper boundary of Student's t distribution about the history's mean.

    Source: bencher's documentation of thresholds: t-test, upper boundary 0.99, at most 64 values.
    """
    recent = history[-BENCHER_HISTORY:]
    if len(recent) < BENCHER_MINIMUM:
        return None
    limit = stats.t.ppf(BENCHER_BOUNDARY, len(recent) - 1, loc=statistics.fmean(recent), scale=statistics.stdev(recent))
    return bool(value > limit)
