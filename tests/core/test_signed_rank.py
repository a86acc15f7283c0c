"""The signed-rank test against SciPy's, and its interval against the test that it turns around."""

from __future__ import annotations

import random

import pytest
from scipy import stats

from pocketbench.core.signed_rank import find_greater_p, locate


@pytest.mark.parametrize("count", [1, 2, 5, 8, 13, 16, 25])
@pytest.mark.parametrize("margin", [-0.3, 0.0, 0.2, 1.0])
def test_p_value_is_scipys(count: int, margin: float) -> None:
    source = random.Random(count)
    values = [source.gauss(0.2, 1.0) for _ in range(count)]

    expected = stats.wilcoxon([value - margin for value in values], alternative="greater", method="exact").pvalue

    assert find_greater_p(values, margin) == pytest.approx(expected, rel=1e-9)


def test_ties_share_their_rank() -> None:
    # by hand: |d| = 1, 1, 2, 2 have ranks 1.5, 1.5, 3.5, 3.5; above are 1 and the two 2s, W = 8.5; of the 16 subsets
    # only {3.5, 3.5, 1.5} (twice) and all four have so large a sum
    assert find_greater_p([1.0, -1.0, 2.0, 2.0], 0.0) == 3 / 16


def test_a_value_on_the_margin_speaks_for_no_slowdown() -> None:
    assert find_greater_p([0.0, 1.0], 0.0) == 0.5
    assert find_greater_p([0.0, 0.0], 0.0) == 1.0


@pytest.mark.parametrize("count", [8, 16, 33])
def test_interval_holds_just_the_margins_that_the_test_does_not_reject(count: int) -> None:
    source = random.Random(count)
    values = [source.gauss(0.0, 1.0) for _ in range(count)]

    found = locate(values, 0.99)

    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high
    mirrored = [-value for value in values]
    assert find_greater_p(values, found.low - 1e-9) <= 0.005 < find_greater_p(values, found.low + 1e-9)
    assert find_greater_p(mirrored, -found.high - 1e-9) <= 0.005 < find_greater_p(mirrored, -found.high + 1e-9)


def test_value_is_the_median_of_the_means_of_pairs() -> None:
    assert locate([1.0, 2.0, 6.0], 0.5).value == pytest.approx((2.0 + 3.5) / 2)  # 1, 1.5, 2, 3.5, 4, 6


def test_small_sample_has_no_interval() -> None:
    # 2 / 2^7 = 1.6 % is the smallest two-sided p-value of 7 values
    assert locate([0.1 * value for value in range(7)], 0.99).low is None
    assert locate([0.1 * value for value in range(8)], 0.99).low is not None


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    source = random.Random(7)
    held = 0
    for _ in range(1000):
        found = locate([source.gauss(0.0, 1.0) + source.uniform(-3, 3) for _ in range(12)], 0.9)
        held += found.low is not None and found.high is not None and found.low <= 0.0 <= found.high
    assert 0.88 <= held / 1000 <= 0.94  # 90 % and a little, since ranks are whole numbers


def test_empty_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        find_greater_p([], 0.0)
    with pytest.raises(ValueError, match="empty"):
        locate([], 0.99)
