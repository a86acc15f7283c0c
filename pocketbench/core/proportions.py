"""The interval of a fraction that was counted: how many of n pictures were right."""

from __future__ import annotations

import math

Z95 = 1.959963984540054
"""The 97.5th percentile of the normal distribution."""


def bound_fraction(fraction: float, count: int) -> tuple[float, float]:
    """The 95 % interval of the fraction that `count` independent draws gave, by Wilson's score.

        (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)

    It holds near 0 and 1 too, where the normal interval leaves the range.

    Raises: ValueError for a fraction outside of 0 to 1 or a count below 1.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).
    """
    if not 0 <= fraction <= 1 or count < 1:
        raise ValueError(f"no fraction of {count} draws: {fraction}")
    shift = Z95 * Z95 / (2 * count)
    reach = Z95 * math.sqrt(fraction * (1 - fraction) / count + Z95 * Z95 / (4 * count * count))
    scale = 1 + Z95 * Z95 / count
    return max(0.0, (fraction + shift - reach) / scale), min(1.0, (fraction + shift + reach) / scale)
