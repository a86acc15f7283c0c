"""A duel: two model files timed against each other on this machine, life by life.

What a model gets of the memory when it is loaded (the pages of its weights, the place of its buffers) makes it faster
or slower by percents for as long as it stays loaded, and two loads of one file differ as two files do. So a life loads
both files anew and runs a few calls, one by one in turn; two lives, in which the files swap places, are a pair; and a
pair is one observation.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pocketbench.core.duel_rule import Decision, Rule, decide
from pocketbench.profile.duel.arena import BASE, BASE_AGAIN, HEAD, Arena, DuelPlan
from pocketbench.profile.duel.life import Life, list_order

SELF_TEST_INTERVAL = 2
"""After so many pairs of base and head comes one of base and base."""


@dataclass(slots=True, kw_only=True)
class DuelRecord:
    """All that a duel in one process saw; lives stand in pairs."""

    lives: list[Life] = field(default_factory=list)
    self_lives: list[Life] = field(default_factory=list)
    duration_s: float = 0.0
    decision: Decision | None = None

    def log_ratios(self, clock: str) -> list[float]:
        """ln(head / base), a value a pair."""
        return pair_log_ratios(self.lives, clock)

    def self_log_ratios(self, clock: str) -> list[float]:
        """ln(base / base), a value a pair."""
        return pair_log_ratios(self.self_lives, clock)


def pair_log_ratios(lives: Sequence[Life], clock: str) -> list[float]:
    """The mean of the two lives of each pair: what the first place has over the second falls out."""
    values = [life.log_ratio(clock) for life in lives]
    return [(values[index] + values[index + 1]) / 2 for index in range(0, len(values) - 1, 2)]


def run_duel(
    arena: Arena, plan: DuelPlan, rule: Rule, budget_s: float, on_pair: Callable[[int], None] | None = None
) -> DuelRecord:
    """Run pairs until the rule has seen enough, or the time is over.

    Args:
        budget_s: of this call, but for the pairs of the first look: fewer say nothing.
        on_pair: called with the number of pairs after each.

    Raises: WorkerFault, CoarseClockError.
    """
    record = DuelRecord()
    start = time.monotonic()
    for pair in range(rule.looks[-1]):
        record.lives += run_pair(arena, plan, (BASE, HEAD), pair)
        if pair % SELF_TEST_INTERVAL == SELF_TEST_INTERVAL - 1:
            # half as fast through the turns: else a turn of the duel would always follow the same turn of the self-test
            record.self_lives += run_pair(arena, plan, (BASE, BASE_AGAIN), pair // (2 * SELF_TEST_INTERVAL))
        if on_pair is not None:
            on_pair(pair + 1)
        record.duration_s = time.monotonic() - start
        last = pair + 1 == rule.looks[-1] or (pair + 1 >= rule.looks[0] and record.duration_s >= budget_s)
        if pair + 1 in rule.looks or last:
            record.decision = decide(record.log_ratios(plan.clock), rule, last=last)
            if record.decision is not None:
                break
    return record


def run_pair(arena: Arena, plan: DuelPlan, sides: tuple[int, int], turn: int) -> list[Life]:
    """Two lives in which the sides swap places; two turns of four begin swapped, since a life finds the memory and the
    caches as the one before left them. Raises: WorkerFault, CoarseClockError."""
    lives = []
    begins_swapped = bool(turn >> 1 & 1)  # beside the order of calls, which changes every turn
    for swapped in (begins_swapped, not begins_swapped):
        first, second = reversed(sides) if swapped else sides
        order = list_order(plan.round_count, turn)
        wall_ns, cpu_ns = arena.run_life((first, second), order, turn)
        owners = tuple(1 - place if swapped else place for place in order)
        life = Life(sides=owners, wall_ns=tuple(wall_ns), cpu_ns=tuple(cpu_ns))
        life.log_ratio(plan.clock)  # a clock that can't tell is known at once, not when everything was run
        lives.append(life)
    return lives
