"""Against scipy's interval of a binomial proportion."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from pocketbench.core.proportions import bound_fraction


@pytest.mark.parametrize(("right", "count"), [(0, 20), (18, 20), (20, 20), (1, 1), (8991, 10_000), (37_000, 50_000)])
def test_the_interval_is_wilsons(right, count):
    expected = binomtest(right, count).proportion_ci(method="wilson")
    assert bound_fraction(right / count, count) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("fraction", "count"), [(-0.1, 10), (1.1, 10), (0.5, 0), (float("nan"), 10)])
def test_what_is_no_fraction_is_refused(fraction, count):
    with pytest.raises(ValueError, match="no fraction"):
        bound_fraction(fraction, count)
