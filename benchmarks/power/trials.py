"""One trial: the gate's own procedure on a pair of files, and its rivals on the same pair."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.power import rivals
from benchmarks.power.machine import others_fraction, read_moment
from pocketbench.core.duel_rule import Rule, decide
from pocketbench.core.records import RunPlan
from pocketbench.core.signed_rank import locate
from pocketbench.profile.cell import describe_load
from pocketbench.profile.duel.arena import DuelPlan, SharedArena
from pocketbench.profile.worker import Worker
from pocketbench.workflow.gate.limits import DEFAULT_LATENCY_RATIO
from pocketbench.workflow.gate.timing import BUDGET_S, TimedCell, time_cells


def run_trial(command: Sequence[str], engine: str, base: Path, head: Path) -> dict[str, Any]:
    """The gate on one cell. `wall_verdict` is what the wall clock would have said of the first process's pairs."""
    plan = DuelPlan(engine=engine)
    cell = TimedCell(
        name="trial",
        plan=plan,
        threshold=DEFAULT_LATENCY_RATIO,
        open_arena=lambda: SharedArena(command, base, head, plan),
    )
    before = read_moment()
    start = time.monotonic()
    timing = time_cells([cell], budget_s=BUDGET_S)[0]
    seconds = time.monotonic() - start
    others = others_fraction(before, read_moment())
    duel = timing.duel
    if duel is None:
        return {"verdict": timing.verdict, "reason": timing.reason, "seconds": seconds, "others": others}
    first = timing.records[0]
    rule = Rule(threshold=DEFAULT_LATENCY_RATIO)
    wall = decide(first.log_ratios("wall"), rule, last=True)
    cpu = decide(first.log_ratios("thread"), rule, last=True)
    return {
        "verdict": timing.verdict,
        "reason": timing.reason,
        "seconds": seconds,
        "others": others,
        "ratio": duel.ratio.value,
        "low": duel.ratio.low,
        "high": duel.ratio.high,
        "detectable": duel.detectable_ratio,
        "self_ratio": duel.self_ratio.value,
        "self_passed": duel.self_test_passed,
        "pairs": len(duel.pair_ratios),
        "processes": len(timing.records),
        "base_ms": duel.base_ns / 1e6,
        "cpu_value": locate(first.log_ratios("thread"), 0.99).value,
        "wall_value": locate(first.log_ratios("wall"), 0.99).value,
        "cpu_first": cpu.verdict if cpu else None,
        "wall_first": wall.verdict if wall else None,
    }


def time_rivals(command: Sequence[str], engine: str, base: Path, head: Path) -> dict[str, list[list[int]]]:
    """Wall time of each call: base loaded twice, then head loaded twice."""
    worker = Worker(command)
    plan = RunPlan(engine=engine)
    try:
        found: dict[str, list[list[int]]] = {}
        for side, path in (("base", base), ("head", head)):
            found[side] = []
            for _ in range(rivals.LOADS):
                worker.request({"do": "load", **describe_load(path, plan)}, plan.timeout_s)
                worker.request({"do": "burst", "count": rivals.WARMUP_COUNT}, plan.timeout_s)
                reply = worker.request({"do": "burst", "count": rivals.CALL_COUNT}, plan.timeout_s)
                found[side].append(reply["wall_ns"])
        return found
    finally:
        worker.kill()
