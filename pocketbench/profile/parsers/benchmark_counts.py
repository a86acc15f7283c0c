"""The `count=` lines of benchmark_model: one of the warm-up, one of the steady state.

Source: Stat and StatWithPercentiles of TensorFlow's stats_calculator.h. Figures are whole us, but for the mean, of
which six digits are printed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from pocketbench.profile.parsers.output_fault import (
    NS_PER_US,
    make_fault,
    parse_count,
    parse_duration,
)

SAME = ("count", "curr")
ALL = ("count", "first", "curr", "min", "max", "avg", "std")
PERCENTILES = ("p5", "median", "p95")
ALL_SAME = "(all same)"
SIX_DIGITS = 1e-5  # how far a mean that is printed with six digits may be off


@dataclass(frozen=True, slots=True, kw_only=True)
class CountLine:
    """What a line says of `count` inferences; for none of them (a warm-up of length 0) all else is None."""

    count: int
    first_ns: int | None = None
    min_ns: int | None = None
    max_ns: int | None = None
    mean_ns: int | None = None
    std_ns: int | None = None
    p5_ns: int | None = None
    median_ns: int | None = None
    p95_ns: int | None = None


def parse_count_line(line: str) -> CountLine:
    """Raises: OutputFault for figures that are missing, unknown, or can't all be true."""
    figures: dict[str, str] = {}
    for token in line.replace(ALL_SAME, "", 1).split():
        name, _, value = token.partition("=")
        if name in figures or not value:
            raise make_fault("a count= line is not understood", line)
        figures[name] = value
    names = tuple(figures)
    has_percentiles = names[-3:] == PERCENTILES
    head = names[:-3] if has_percentiles else names
    if head == ("count",) and figures["count"] == "0" and ALL_SAME not in line:
        return CountLine(count=0)
    if head not in (SAME, ALL):
        raise make_fault("a count= line is not understood", line)
    count = parse_count(figures["count"], line)
    if (ALL_SAME in line) != (head == SAME and count > 1):
        raise make_fault("a count= line is not understood", line)
    times = {name: parse_duration(value, NS_PER_US, line) for name, value in figures.items() if name != "count"}
    if head == SAME:
        only = times["curr"]
        times |= {"first": only, "min": only, "max": only, "avg": only, "std": 0}
    found = CountLine(
        count=count,
        first_ns=times["first"],
        min_ns=times["min"],
        max_ns=times["max"],
        mean_ns=times["avg"],
        std_ns=times["std"],
        p5_ns=times.get("p5"),
        median_ns=times.get("median"),
        p95_ns=times.get("p95"),
    )
    ascending = [times["min"], *(times[name] for name in PERCENTILES if name in times), times["max"]]
    if (
        ascending != sorted(ascending)
        or not all(times["min"] <= times[name] <= times["max"] for name in ("first", "curr"))
        or not times["min"] * (1 - SIX_DIGITS) <= times["avg"] <= times["max"] * (1 + SIX_DIGITS)
        or times["std"] > times["max"] - times["min"]
    ):
        raise make_fault("the figures of a count= line contradict one another", line)
    return found


def find_resolution_ns(value_ns: int) -> int:
    """The last digit of a mean that is printed with six, but not finer than the program's clock, which counts us."""
    digit_ns = 10.0 ** (math.floor(math.log10(value_ns)) - 5) if value_ns > 0 else 0.0
    return max(NS_PER_US, round(digit_ns))
