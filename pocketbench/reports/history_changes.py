"""Where the level of a series of latencies changes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from pocketbench.core.estimates import median

LEAST_COUNT = 10
"""Values that a series needs for a change point to be marked in it."""
LEAST_LEVEL = 3
"""Values that stand on each side of a change point: one or two are no level."""
LEAST_SPREAD = 0.005
_BANDWIDTH = 2.0
_PENALTY = 0.7
_NORMAL_OVER_MEDIAN = 1.4826  # the standard deviation of a normal distribution over its median absolute deviation


def find_change_points(values: Sequence[float]) -> list[int]:
    """The indexes at which a new level begins; none when there are fewer than `LEAST_COUNT` values.

    Minimises, over all partitions, the within-segment scatter of ln(values) in the feature space of the kernel
    exp(-d^2 / (2 (2 s)^2)) plus 0.7 ln(n) for each change point. The kernel levels off beyond a few s, so that one
    value far away makes no level of its own. s is the spread from value to value, 1.4826 median |d| / sqrt(2) over the
    differences d of neighbours (which hold no level), and at least 0.5 %.

    Args:
        values: durations above 0, in the order of the commits.

    Source: Arlot, Celisse and Harchaoui, A kernel multiple change-point algorithm via model selection, JMLR 20 (2019);
        the numbers 2 and 0.7 by simulation: docs/decisions/0010-change-points.md.
    Cost: quadratic in the number of values; 0.1 s for 3,000.
    """
    if len(values) < LEAST_COUNT:
        return []
    import numpy
    import ruptures

    logarithms = [math.log(value) for value in values]
    scale = _BANDWIDTH * estimate_spread(logarithms)
    # not min_size=LEAST_LEVEL: two odd values would take a third one in, and be a level
    search = ruptures.KernelCPD(kernel="rbf", min_size=1, params={"gamma": 1 / (2 * scale**2)})
    ends = search.fit(numpy.array(logarithms).reshape(-1, 1)).predict(pen=_PENALTY * math.log(len(values)))
    bounds = [0, *map(int, ends)]
    return [
        start
        for before, start, end in zip(bounds, bounds[1:], bounds[2:], strict=False)
        if start - before >= LEAST_LEVEL and end - start >= LEAST_LEVEL
    ]


def estimate_spread(logarithms: Sequence[float]) -> float:
    """How far a value lies from its level, as a ratio less 1; see `find_change_points`."""
    steps = [abs(after - before) for before, after in pairwise(logarithms)]
    return max(LEAST_SPREAD, _NORMAL_OVER_MEDIAN * median(steps) / math.sqrt(2))
