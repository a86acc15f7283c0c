import itertools
import math
import random
import statistics

import numpy
import pytest

from pocketbench.core.estimates import (
    _STUDENT_T,
    combine_sessions,
    estimate_paired_overhead,
    find_median_interval,
    median,
    quantile,
    relative_spread,
    settle_bursts,
)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 10, 101])
@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.25, 0.5, 0.9, 0.99, 1.0])
def test_quantile_is_that_of_numpy(count: int, fraction: float) -> None:
    values = [random.Random(count).lognormvariate(0, 2) for _ in range(count)]
    assert quantile(values, fraction) == pytest.approx(numpy.quantile(values, fraction), rel=1e-12)


def test_quantile_refuses_nonsense() -> None:
    with pytest.raises(ValueError, match="empty"):
        quantile([], 0.5)
    with pytest.raises(ValueError, match=r"not 1\.5"):
        quantile([1.0], 1.5)
    with pytest.raises(ValueError, match="empty"):
        relative_spread([])


def test_median_is_the_middle() -> None:
    assert median([3, 1, 2]) == 2
    assert median([4, 1, 2, 3]) == 2.5


def test_spread_is_the_interquartile_range_over_the_median() -> None:
    assert relative_spread([6, 8, 10, 12, 14]) == pytest.approx(0.4)  # quartiles 8 and 12
    assert relative_spread([0, 0, 0]) is None


def test_median_interval_by_hand() -> None:
    # P(B <= 0) of 6 trials is 1/64 on each side: the first interval that reaches 95 %.
    interval = find_median_interval([5, 3, 1, 6, 2, 4])
    assert interval is not None
    assert (interval.low, interval.high) == (1, 6)
    assert interval.confidence == pytest.approx(1 - 2 / 64)
    assert find_median_interval([1, 2, 3, 4, 5]) is None
    assert find_median_interval([]) is None
    # The tables of order statistics give ranks 40 and 61 for 100 values, attained 96.48 %.
    hundred = find_median_interval(range(1, 101))
    assert hundred is not None
    assert (hundred.low, hundred.high) == (40, 61)
    assert hundred.confidence == pytest.approx(0.9648, abs=1e-4)


@pytest.mark.parametrize("count", [6, 7, 20, 51])
def test_median_interval_attains_its_confidence_by_counting(count: int) -> None:
    interval = find_median_interval(range(1, count + 1))
    assert interval is not None
    low, high = int(interval.low), int(interval.high)
    # The median lies between the order statistics low and high when low..high-1 of the values are below it.
    inside = sum(math.comb(count, below) for below in range(low, high)) / 2**count
    assert interval.confidence == pytest.approx(inside)
    assert inside >= 0.95
    narrower = sum(math.comb(count, below) for below in range(low + 1, high - 1)) / 2**count
    assert narrower < 0.95


def test_median_interval_does_not_underflow() -> None:
    interval = find_median_interval(range(5000))
    assert interval is not None
    assert 0.95 <= interval.confidence < 0.952
    assert interval.low == pytest.approx(2500 - 0.98 * math.sqrt(5000), abs=2)


def test_student_quantiles_enclose_95_percent() -> None:
    for freedom, bound in _STUDENT_T.items():
        scale = math.gamma((freedom + 1) / 2) / math.sqrt(freedom * math.pi) / math.gamma(freedom / 2)
        steps = 20_000
        heights = [(1 + (bound * step / steps) ** 2 / freedom) ** (-(freedom + 1) / 2) for step in range(steps + 1)]
        area = 2 * scale * bound / steps * (math.fsum(heights) - (heights[0] + heights[-1]) / 2)
        assert area == pytest.approx(0.95, abs=1e-6)


def test_one_session_has_no_interval() -> None:
    estimate = combine_sessions([5.0])
    assert (estimate.value, estimate.low, estimate.high, estimate.session_count) == (5.0, None, None, 1)


def test_three_sessions_by_hand() -> None:
    estimate = combine_sessions([1.0, 2.0, 3.0])
    assert estimate.value == 2.0
    assert estimate.high == pytest.approx(2 + 4.302652730 / math.sqrt(3))
    assert estimate.low == pytest.approx(2 - 4.302652730 / math.sqrt(3))


@pytest.mark.parametrize("count", range(2, 12))
def test_the_value_lies_in_its_interval(count: int) -> None:
    for values in itertools.islice(itertools.product([0.0, 1.0, 50.0], repeat=count), 400):
        estimate = combine_sessions(values)
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.low <= estimate.value <= estimate.high


def test_bursts_lose_their_first_calls() -> None:
    assert settle_bursts([1, 2, 3, 4, 5, 6], 3, 1) == [[2, 3], [5, 6]]
    assert settle_bursts([1, 2, 3, 4, 5], 3, 1) == [[2, 3], [5]]
    assert settle_bursts([1, 2, 3, 4], 3, 1) == [[2, 3]]
    assert settle_bursts([1, 2, 3], 3, 3) == []
    assert settle_bursts([], 3, 1) == []
    with pytest.raises(ValueError, match="bursts of 0"):
        settle_bursts([1], 0, 0)


def test_pairs_see_through_drift_that_unpaired_medians_do_not() -> None:
    # The machine becomes three times as slow; the variant missed the slow half. Each pair differs by a tenth.
    drift = [100.0 * (1 + 0.1 * turn) for turn in range(20)]
    baseline, variant = drift, [1.1 * value for value in drift[:10]]
    overhead = estimate_paired_overhead([(variant, baseline)] * 3)
    assert overhead is not None
    assert overhead.ratio.value == pytest.approx(1.1)
    assert overhead.round_count == 30
    assert statistics.median(variant) / statistics.median(baseline) < 0.9


def test_overhead_of_rounds_that_cannot_be_compared() -> None:
    assert estimate_paired_overhead([]) is None
    assert estimate_paired_overhead([([], [1.0])]) is None
    assert estimate_paired_overhead([([1.0], [0.0])]) is None
    overhead = estimate_paired_overhead([([2.0, 5.0, 2.0], [1.0, 0.0, 1.0]), ([], [1.0])])
    assert overhead is not None
    assert overhead.round_count == 2
    assert overhead.ratio.value == pytest.approx(2)
    assert overhead.difference.low is None


def simulate_coverage(
    draw_session: "object", session_count: int, trials: int, *, pooled: bool = False, seed: int = 7
) -> float:
    """How often the interval of the difference holds the true one, when each session shifts all of its rounds."""
    generator = random.Random(seed)
    hits = 0
    for _ in range(trials):
        sessions = []
        for _ in range(session_count):
            shift = draw_session(generator)  # type: ignore[operator]
            noise = 0.0
            variant, baseline = [], []
            for _ in range(12):
                noise = 0.7 * noise + generator.gauss(0, 0.3)  # neighbouring rounds resemble each other
                drift = 100 + 30 * generator.random()
                baseline.append(drift)
                variant.append(drift + 10 + shift + noise)
            sessions.append((variant, baseline))
        if pooled:
            interval = find_median_interval([v - b for rounds in sessions for v, b in zip(*rounds, strict=True)])
            assert interval is not None
            hits += interval.low <= 10 <= interval.high
        else:
            overhead = estimate_paired_overhead(sessions)
            assert overhead is not None
            assert overhead.difference.low is not None
            assert overhead.difference.high is not None
            hits += overhead.difference.low <= 10 <= overhead.difference.high
    return hits / trials


def draw_normal(generator: random.Random) -> float:
    return generator.gauss(0, 1)


def draw_heavy_tailed(generator: random.Random) -> float:
    return generator.gauss(0, 1) / math.sqrt(generator.gammavariate(1.5, 2) / 3)  # Student's t, 3 degrees of freedom


def draw_skewed(generator: random.Random) -> float:
    return generator.lognormvariate(0, 0.5) - 1  # its median is 0


@pytest.mark.parametrize("session_count", [2, 3, 5, 6, 9])
def test_interval_holds_the_truth_with_session_effects(session_count: int) -> None:
    # 1,200 trials put the share within 1.9 points of 95 % at three standard errors.
    assert simulate_coverage(draw_normal, session_count, 1200) >= 0.931


@pytest.mark.parametrize("draw", [draw_heavy_tailed, draw_skewed])
def test_interval_holds_the_truth_for_other_session_effects(draw: "object") -> None:
    assert simulate_coverage(draw, 3, 1200) >= 0.92


def test_the_simulation_finds_out_an_interval_that_pools_samples() -> None:
    # What the rule avoids: 36 correlated differences taken for 36 observations.
    assert simulate_coverage(draw_normal, 3, 300, pooled=True) < 0.8
