"""Every cell's duel, Holm's correction over them, and a fresh process for each that looks slower."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pocketbench.core.duel_rule import Rule, apply_holm
from pocketbench.core.gate_records import Duel
from pocketbench.core.records import Failure
from pocketbench.profile.duel.arena import Arena, DuelPlan
from pocketbench.profile.duel.duel import DuelRecord, run_duel
from pocketbench.profile.duel.life import CoarseClockError
from pocketbench.profile.worker import WorkerFault
from pocketbench.workflow.gate.judge import judge_duel, make_duel

BUDGET_S = 30.0
"""For one process of one cell. What is not decided by then is decided by what was seen; a slow model's first look takes
what it takes."""

Progress = Callable[[int, str], None]
"""Called with the index of a cell and what happens to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedCell:
    """A duel to be fought. `open_arena` starts its workers anew and raises WorkerFault; `threshold` is the largest
    ratio that is allowed."""

    name: str
    plan: DuelPlan
    threshold: float
    open_arena: Callable[[], Arena]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What came of a duel; `failure` when a worker died, refused a file or hung. `records`: what its processes saw."""

    verdict: str
    reason: str
    duel: Duel | None
    failure: Failure | None
    records: tuple[DuelRecord, ...]


def time_cells(
    cells: Sequence[TimedCell], *, budget_s: float = BUDGET_S, on_progress: Progress | None = None
) -> list[Timing]:
    """The timing of each cell, in their order. A cell that fails costs itself alone."""
    report = on_progress or _ignore_progress
    rules = [Rule(threshold=cell.threshold, cell_count=len(cells)) for cell in cells]
    first = [
        _fight(cell, rule, budget_s, index, "times base and head", report)
        for index, (cell, rule) in enumerate(zip(cells, rules, strict=True))
    ]
    suspects = find_suspects(first, rules)
    timings = []
    for index, (cell, rule, found) in enumerate(zip(cells, rules, first, strict=True)):
        second = None
        if index in suspects:
            alone = Rule(threshold=cell.threshold)
            second = _fight(cell, alone, budget_s, index, "confirms in a fresh process", report)
        timings.append(_conclude(found, second, cell, rule, suspect=index in suspects))
    return timings


def find_suspects(found: Sequence[DuelRecord | Timing], rules: Sequence[Rule]) -> set[int]:
    """The cells that Holm's procedure calls slower. One that came to no end has no p-value and still counts."""
    p_values = [
        record.decision.p_value if isinstance(record, DuelRecord) and record.decision is not None else 1.0
        for record in found
    ]
    rejected = apply_holm(p_values, rules[0].alpha) if rules else []
    return {index for index, slower in enumerate(rejected) if slower}


def _fight(
    cell: TimedCell, rule: Rule, budget_s: float, index: int, what: str, report: Progress
) -> DuelRecord | Timing:
    """What a process saw; the timing where it came to no end."""
    report(index, f"{cell.name} {what}")
    try:
        arena = cell.open_arena()
        try:
            return run_duel(
                arena, cell.plan, rule, budget_s, lambda pair: report(index, f"{cell.name} {what}, pair {pair}")
            )
        finally:
            arena.kill()
    except WorkerFault as fault:
        reason = f"{fault.failure.kind}: {fault.failure.message}"
        return Timing(verdict="failed", reason=reason, duel=None, failure=fault.failure, records=())
    except CoarseClockError as error:
        return Timing(verdict="inconclusive", reason=str(error), duel=None, failure=None, records=())


def _conclude(
    first: DuelRecord | Timing, second: DuelRecord | Timing | None, cell: TimedCell, rule: Rule, *, suspect: bool
) -> Timing:
    records = tuple(found for found in (first, second) if isinstance(found, DuelRecord))
    for found in (first, second):
        if isinstance(found, Timing):
            return replace(found, records=records)
    assert isinstance(first, DuelRecord)
    assert first.decision is not None
    duel = make_duel(first, second if isinstance(second, DuelRecord) else None, cell.plan.clock, rule)
    confirmed = second.decision.verdict if isinstance(second, DuelRecord) and second.decision is not None else None
    verdict, reason = judge_duel("regressed" if suspect else first.decision.verdict, confirmed, duel)
    return Timing(verdict=verdict, reason=reason, duel=duel, failure=None, records=records)


def _ignore_progress(index: int, text: str) -> None:
    pass
