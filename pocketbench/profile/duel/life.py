"""The calls of one life of two models, and what they say."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pocketbench.core.estimates import median

ROUND = (0, 1, 1, 0, 1, 0, 0, 1)
"""ABBA BAAB, by place: each is called as often first as last, and as often after itself as the other is, since a second
call in a row finds its weights in the cache; a steady drift falls out."""


class CoarseClockError(Exception):
    """Calls took no time: where the system counts CPU time in ticks, a small model ends within one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Wall and CPU time of each call in ns, and the side that was called: 0 or 1."""

    sides: tuple[int, ...]
    wall_ns: tuple[int, ...]
    cpu_ns: tuple[int, ...]

    def log_ratio(self, clock: str) -> float:
        """The median over rounds of ln(sum of side 1 / sum of side 0).

        Raises: CoarseClockError when a side took no time at all.
        """
        samples = self.samples(clock)
        ratios = []
        for start in range(0, len(samples), len(ROUND)):
            sums = [0, 0]
            for index in range(start, start + len(ROUND)):
                sums[self.sides[index]] += samples[index]
            if not all(sums):
                raise CoarseClockError(f"{len(ROUND)} calls took {sums[0]} and {sums[1]} ns: the clock is too coarse")
            ratios.append(math.log(sums[1] / sums[0]))
        return median(ratios)

    def side_samples(self, side: int, clock: str) -> list[int]:
        """Unit: ns."""
        return [sample for owner, sample in zip(self.sides, self.samples(clock), strict=True) if owner == side]

    def samples(self, clock: str) -> tuple[int, ...]:
        """Unit: ns."""
        return self.wall_ns if clock == "wall" else self.cpu_ns


def list_order(round_count: int, turn: int) -> list[int]:
    """The place, 0 or 1, of each call of a life; in odd turns the other place begins."""
    return [place ^ (turn & 1) for place in ROUND * round_count]
