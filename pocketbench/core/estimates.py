"""Pure statistics of latencies: quantiles, spread, and intervals that do not pretend that samples are independent.

The samples of one session share its memory layout, its core and its neighbours: they are correlated, and 1,000 of them
are not 1,000 observations. What is independent is the session. So a session is reduced to one number, and an interval
comes from how these numbers differ between sessions.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95

# Student's t, two-sided 95 %, by degrees of freedom. From 6 sessions on no normal distribution is assumed.
_STUDENT_T = {1: 12.706204736, 2: 4.302652730, 3: 3.182446305, 4: 2.776445105}


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A range and the share of repetitions in which such a range holds the true value."""

    low: float
    high: float
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A value from several sessions. `low` and `high` bound its 95 % interval; None when there is one session only."""

    value: float
    low: float | None
    high: float | None
    session_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedOverhead:
    """What a variant costs over its baseline: the difference (in the unit of the samples) and the ratio."""

    difference: Estimate
    ratio: Estimate
    round_count: int


def quantile(values: Iterable[float], fraction: float) -> float:
    """The sample quantile Q(p) = x[k] + (h - k) (x[k+1] - x[k]) with h = (n - 1) p, k = floor(h), x sorted from 0.

    Args:
        values: the sample, in any order.
        fraction: p, from 0 (the minimum) to 1 (the maximum).

    Raises:
        ValueError: when the sample is empty or the fraction is outside 0..1.

    Source: Hyndman and Fan, Sample quantiles in statistical packages, The American Statistician 50 (1996), type 7.
    """
    if not 0.0 <= fraction <= 1.0:
        raise ValueError(f"a quantile is taken at a fraction of 0 to 1, not {fraction}")
    ordered = sorted(values)
    if not ordered:
        raise ValueError("an empty sample has no quantile")
    return _quantile_of_sorted(ordered, fraction)


def median(values: Iterable[float]) -> float:
    """The middle of the sample: `quantile(values, 0.5)`.

    Raises:
        ValueError: when the sample is empty.
    """
    return quantile(values, 0.5)


def relative_spread(values: Iterable[float]) -> float | None:
    """The interquartile range over the median, (Q(0.75) - Q(0.25)) / Q(0.5); None when the median is 0.

    Raises:
        ValueError: when the sample is empty.

    Source: a robust coefficient of variation; Rousseeuw and Croux, JASA 88 (1993), discuss the interquartile range.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("an empty sample has no spread")
    middle = _quantile_of_sorted(ordered, 0.5)
    if middle == 0:
        return None
    return (_quantile_of_sorted(ordered, 0.75) - _quantile_of_sorted(ordered, 0.25)) / middle


def find_median_interval(values: Iterable[float], confidence: float = CONFIDENCE) -> Interval | None:
    """The interval [x(j), x(n+1-j)] of the median for the largest j with 1 - 2 P(B <= j - 1) >= confidence, where B is
    binomial with n trials and p = 1/2. It holds for any distribution of independent values.

    `Interval.confidence` is the one that is attained, at least the one that was asked for. None when the sample is too
    small: 95 % needs 6 values.

    Source: David and Nagaraja, Order Statistics, 3rd edition (2003), section 7.1.
    """
    ordered = sorted(values)
    found = _find_interval_rank(len(ordered), confidence)
    if found is None:
        return None
    rank, attained = found
    return Interval(low=ordered[rank - 1], high=ordered[-rank], confidence=attained)


@functools.cache
def _find_interval_rank(count: int, confidence: float) -> tuple[int, float] | None:
    """The j of `find_median_interval` and the confidence that it attains."""
    tail = 0.0
    attained = None
    rank = 0
    while rank < count // 2:
        next_tail = tail + _binomial_half(count, rank)
        if 1.0 - 2.0 * next_tail < confidence:
            break
        tail = next_tail
        rank += 1
        attained = 1.0 - 2.0 * tail
    return None if attained is None else (rank, attained)


def combine_sessions(values: Sequence[float]) -> Estimate:
    """One value from one value per session: their median, with a 95 % interval from how the sessions differ.

    1 session: no interval, because nothing tells how another session would have come out. 2 to 5: Student's t about the
    mean, m +- t s / sqrt(k) with k - 1 degrees of freedom (s: sample standard deviation). 6 or more: order statistics,
    which assume no distribution (`find_median_interval`). The value always lies in the interval.

    Raises:
        ValueError: when there is no session.

    Source: reducing each run to one value, Kalibera and Jones, Rigorous benchmarking in reasonable time, ISMM 2013;
    Student, The probable error of a mean, Biometrika 6 (1908).
    """
    count = len(values)
    value = median(values)
    interval = find_median_interval(values)
    if interval is not None:
        return Estimate(value=value, low=interval.low, high=interval.high, session_count=count)
    if count == 1:
        return Estimate(value=value, low=None, high=None, session_count=count)
    mean = math.fsum(values) / count
    deviation = math.sqrt(math.fsum((item - mean) ** 2 for item in values) / (count - 1))
    half_width = _STUDENT_T[count - 1] * deviation / math.sqrt(count)
    return Estimate(
        value=value, low=min(mean - half_width, value), high=max(mean + half_width, value), session_count=count
    )


def settle_bursts(samples: Sequence[float], burst_count: int, settle_count: int) -> list[Sequence[float]]:
    """The samples burst by burst, each without its first `settle_count`; burst r is round r. A last burst that was cut
    short keeps what is left of it; one with nothing left is dropped.

    Raises:
        ValueError: when a burst has no call or a negative number of calls is dropped.
    """
    if burst_count < 1 or settle_count < 0:
        raise ValueError(f"bursts of {burst_count} calls of which the first {settle_count} are dropped")
    bursts = [samples[start + settle_count : start + burst_count] for start in range(0, len(samples), burst_count)]
    return [burst for burst in bursts if burst]


def estimate_paired_overhead(sessions: Iterable[tuple[Sequence[float], Sequence[float]]]) -> PairedOverhead | None:
    """The overhead d = median over rounds of (v[r] - b[r]), and ratio exp(median of ln(v[r] / b[r])), of each session;
    then `combine_sessions` (for the ratio on the logarithm, so that x2 and x0.5 count alike).

    Round r of variant and baseline ran next to each other in time, so that what slows the machine for longer than a
    round is in both and falls out of the pair.

    Args:
        sessions: for each session the medians of the variant's bursts and of the baseline's, by round. A round that
            only one of them reached, or in which a value is not above 0, is left out.

    Returns:
        None when no session has a pair.

    Source: duet benchmarking, Bulej et al., ICPE 2020 (arXiv 2001.05811).
    """
    differences = []
    logarithms = []
    round_count = 0
    for variant, baseline in sessions:
        pairs = [(v, b) for v, b in zip(variant, baseline, strict=False) if v > 0 and b > 0]
        if pairs:
            differences.append(median(v - b for v, b in pairs))
            logarithms.append(median(math.log(v / b) for v, b in pairs))
            round_count += len(pairs)
    return combine_overheads(differences, logarithms, round_count) if differences else None


def combine_overheads(differences: Sequence[float], logarithms: Sequence[float], round_count: int) -> PairedOverhead:
    """The overhead from what `estimate_paired_overhead` finds of each session: d, and the logarithm of the ratio.

    Raises:
        ValueError: when there is no session.
    """
    log_ratio = combine_sessions(logarithms)
    ratio = Estimate(
        value=math.exp(log_ratio.value),
        low=None if log_ratio.low is None else math.exp(log_ratio.low),
        high=None if log_ratio.high is None else math.exp(log_ratio.high),
        session_count=log_ratio.session_count,
    )
    return PairedOverhead(difference=combine_sessions(differences), ratio=ratio, round_count=round_count)


def _quantile_of_sorted(ordered: Sequence[float], fraction: float) -> float:
    position = (len(ordered) - 1) * fraction
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def _binomial_half(count: int, successes: int) -> float:
    """P(B = successes) for B binomial with p = 1/2; by logarithms, since 2 ** -count underflows from 1075 on."""
    chosen = math.lgamma(count + 1) - math.lgamma(successes + 1) - math.lgamma(count - successes + 1)
    return math.exp(chosen - count * math.log(2.0))
