"""Results over commits whose right history is known by construction."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pocketbench.core.records import RunResult
from tests.core.samples import ARTIFACT, CONDITIONS, MEASUREMENT, RESULT, make_result

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def make_session(commit: str | None, cpu_ms: float, day: float = 0, session: int = 0, **changes: object) -> RunResult:
    """A session whose every settled call took `cpu_ms` of CPU time and twice that by wall clock."""
    cpu_ns = round(1e6 * cpu_ms)
    settled = replace(MEASUREMENT, cpu_ns=(9 * cpu_ns, cpu_ns), wall_ns=(9 * cpu_ns, 2 * cpu_ns))
    facts: dict[str, object] = {
        "run_id": f"run at {day:g}",
        "session_index": session,
        "measurement": replace(settled, burst_count=2, settle_count=1),
        "conditions_before": replace(CONDITIONS, taken_at=(START + timedelta(days=day, minutes=session)).isoformat()),
        "artifact": replace(ARTIFACT, sha256=f"{commit or 'none'}".ljust(64, "0")),
        "git_commit": commit,
    }
    return make_result(**(facts | changes))


def name_commits(count: int) -> list[str]:
    """Hashes in no order of their own."""
    source = random.Random(7)
    return [f"{source.getrandbits(160):040x}" for _ in range(count)]


def make_noisy(
    levels: Sequence[float], *, sessions: int = 3, noise: float = 0.02, seed: int = 1, **changes: object
) -> list[RunResult]:
    """A commit a day: its level (ms) times a draw of the commit (`noise`) and of the session (a quarter of it)."""
    source = random.Random(seed)
    results = []
    for day, (commit, level) in enumerate(zip(name_commits(len(levels)), levels, strict=True)):
        middle = level * (1 + source.gauss(0, noise))
        results += [
            make_session(commit, middle * (1 + source.gauss(0, noise / 4)), day, session, **changes)
            for session in range(sessions)
        ]
    return results


THREADED = replace(RESULT.plan, thread_count=4)
