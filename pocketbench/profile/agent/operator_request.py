"""The worker's answer to "operators": what each operator of a model takes. Runs on Python 3.9, standard library alone.

An engine whose runtime has a profiler names its module in `operator_profiler`. The module has

    profile_operators(engine, path, request) -> OperatorRuns

which loads `path` anew, warms up `request["warmup_count"]` times, and runs it `count_runs` times with the profiler and
as often without. What it can't know it says by `UnknownTimes`: that is an answer and no failure.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

LEAST_RUN_COUNT = 5
BUDGET_NS = 2_000_000_000

Key = tuple[int, str, str]
"""Number, name, operator: the number tells operators of one name apart."""

NO_UNITS: Mapping[Key, str] = {}


class UnknownTimes(Exception):
    """Why operator times are not known here: a sentence without a full stop."""


class OperatorRuns(NamedTuple):
    """`runs` holds for each profiled inference the wall time in ns and the number of calls of each operator; `whole_ns`
    is the time of each inference without the profiler, by `choose_whole_clock`. `graph` is what the host needs to find
    an operator's place. `units` says where an operator ran ("cpu", "gpu", "npu"), where the runtime tells.
    """

    runs: list[dict[Key, tuple[int, int]]]
    whole_ns: list[int]
    graph: dict[str, Any]
    units: Mapping[Key, str] = NO_UNITS


def answer_operators(engine: Any, path: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Profile and summarise: {"unknown": why}, or "whole_ns", "operators" and "graph"."""
    target = getattr(engine, "operator_profiler", None)
    name = ", ".join(" ".join(item) for item in engine.versions().items())
    if target is None:
        return {"unknown": f"operator times are not known for {name}"}
    try:
        found = importlib.import_module(target).profile_operators(engine, path, request)
    except UnknownTimes as unknown:
        return {"unknown": f"operator times are not known for {name}: {unknown}"}
    operators = summarise(found.runs, found.units)
    return {"whole_ns": find_quartile(found.whole_ns), "operators": operators, "graph": found.graph}


def summarise(
    runs: Sequence[Mapping[Key, tuple[int, int]]], units: Mapping[Key, str] = NO_UNITS
) -> list[dict[str, Any]]:
    """The lower quartile of each operator's times, in the order of execution.

    An operator is short: other work of the machine interrupts few of its calls, where it interrupts most inferences.
    """
    keys = list(dict.fromkeys(key for run in runs for key in run))
    return [
        {
            "name": key[1],
            "operator": key[2],
            "time_ns": find_quartile([run.get(key, (0, 0))[0] for run in runs]),
            "call_count": max(run.get(key, (0, 0))[1] for run in runs),
            **({"compute_unit": units[key]} if key in units else {}),
        }
        for key in keys
    ]


def warm_up(invoke: Callable[[], object], count: int) -> int:
    """Run `count` inferences; gives the time of the last in ns."""
    duration_ns = 0
    for _ in range(count):
        start = time.perf_counter_ns()
        invoke()
        duration_ns = time.perf_counter_ns() - start
    return duration_ns


def count_runs(request: Mapping[str, Any], duration_ns: int) -> int:
    """The runs that were asked for; of a slow model fewer, so that a profile takes seconds."""
    return min(int(request["run_count"]), max(LEAST_RUN_COUNT, BUDGET_NS // max(duration_ns, 1)))


def find_quartile(values: Sequence[int]) -> float:
    """The value that a quarter of them are below: what other work of the machine adds is above."""
    ordered = sorted(values)
    return float(ordered[len(ordered) // 4])


def choose_whole_clock(thread_count: int) -> Callable[[], int]:
    """For a whole inference: CPU time, which stands still while other work runs; with several threads the wall clock,
    since CPU time adds up what passes at the same time."""
    return time.thread_time_ns if thread_count == 1 else time.perf_counter_ns
