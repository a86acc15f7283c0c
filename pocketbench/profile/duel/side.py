"""What one side of a duel is, seen in a worker of its own: that it loads and runs, its memory, its own latency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pocketbench.core.estimates import median
from pocketbench.profile.cell import describe_load
from pocketbench.profile.duel.arena import DuelPlan
from pocketbench.profile.worker import Worker

RUN_COUNT = 5
BURST_COUNT = 20
SETTLE_COUNT = 5
"""The first calls of a freshly loaded model are not warm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SideFacts:
    """`inputs` are (type, sizes) as they were run, sorted; `load_medians_ns` the warm latency of each
    load by the clock on the wall, which users wait for."""

    tools: dict[str, str]
    inputs: tuple[tuple[str, tuple[int, ...]], ...]
    partition_count: int | None
    outside_delegate_count: int | None
    peak_rss_bytes: int | None
    load_medians_ns: tuple[float, ...]


def inspect_side(command: Sequence[str], path: Path, plan: DuelPlan, load_count: int) -> SideFacts:
    """Load and run a model in a fresh worker.

    Args:
        load_count: how often it is loaded anew to measure its latency by itself; 0 leaves that out.

    Raises: WorkerFault.
    """
    load = describe_load(path, plan.run_plan)
    worker = Worker(command)
    try:
        facts = worker.request({"do": "load", **load}, plan.timeout_s)
        worker.request({"do": "burst", "count": RUN_COUNT}, plan.timeout_s)
        peak_rss_bytes = worker.request({"do": "finish"}, plan.timeout_s)["peak_rss_bytes"]
        medians = []
        for _ in range(load_count):
            worker.request({"do": "load", **load}, plan.timeout_s)
            reply = worker.request({"do": "burst", "count": BURST_COUNT}, plan.timeout_s)
            medians.append(median(reply["wall_ns"][SETTLE_COUNT:]))
    finally:
        worker.kill()
    return SideFacts(
        tools=facts["tools"],
        inputs=tuple(sorted(_describe_input(facts, entry) for entry in facts["inputs"])),
        partition_count=facts["partition_count"],
        outside_delegate_count=facts["outside_delegate_count"],
        peak_rss_bytes=peak_rss_bytes,
        load_medians_ns=tuple(medians),
    )


def _describe_input(facts: dict[str, Any], entry: dict[str, Any]) -> tuple[str, tuple[int, ...]]:
    return entry["dtype"], tuple(facts["sizes"][entry["name"]])
