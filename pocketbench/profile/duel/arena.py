"""Where two model files meet: a process that loads both, or one for each of two environments."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from pocketbench.core.records import RunPlan
from pocketbench.profile.cell import describe_load
from pocketbench.profile.worker import Worker

BASE, HEAD, BASE_AGAIN = 0, 1, 2
"""Who can fight: base's file, head's, and base's once more as if it were another."""

WARMUP_COUNT = 4
"""The first calls of a freshly loaded model touch memory for the first time."""

TUNABLES = "GLIBC_TUNABLES"
HUGE_PAGES = "glibc.malloc.hugetlb=1"
"""glibc asks Linux for huge pages: which small pages a model gets is much of what tells two loads of it apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DuelPlan:
    """How a duel is run. A life has `round_count` rounds of 8 calls."""

    engine: str
    thread_count: int = 1
    core_mask: int | None = None
    shapes: dict[str, tuple[int, ...]] | None = None
    round_count: int = 3
    timeout_s: float = 120.0

    @property
    def run_plan(self) -> RunPlan:
        """The same for what runs one file by itself."""
        return RunPlan(
            engine=self.engine,
            thread_count=self.thread_count,
            core_mask=self.core_mask,
            shapes=self.shapes,
            timeout_s=self.timeout_s,
        )

    @property
    def clock(self) -> str:
        """What decides: the CPU time of the thread that computes; with several threads the clock on the wall, which
        sees them wait for one another."""
        return "thread" if self.thread_count == 1 else "wall"


class Arena(Protocol):
    def run_life(self, fighters: tuple[int, int], order: Sequence[int], turn: int) -> tuple[list[int], list[int]]:
        """Load both anew, the first one first, and call them in turn; wall and CPU time of each call in ns.

        Args:
            fighters: two of BASE, HEAD, BASE_AGAIN.
            order: the place of each call, 0 for the first of the fighters.
            turn: the number of the pair.

        Raises: WorkerFault.
        """
        ...

    def kill(self) -> None: ...


class SharedArena:
    """Both in one process: what the process has, both have.

    Args:
        command: of the worker.

    Raises: WorkerFault.
    """

    def __init__(self, command: Sequence[str], base: Path, head: Path, plan: DuelPlan) -> None:
        self._plan = plan
        self._paths = {BASE: base, HEAD: head, BASE_AGAIN: base}
        self._worker = Worker(command, choose_environment(os.environ))

    def run_life(self, fighters: tuple[int, int], order: Sequence[int], turn: int) -> tuple[list[int], list[int]]:  # noqa: ARG002
        paths = [str(self._paths[fighter].absolute()) for fighter in fighters]
        load = describe_load(self._paths[BASE], self._plan.run_plan)
        message = {**load, "do": "life", "paths": paths, "order": list(order), "warmup_count": WARMUP_COUNT}
        reply = self._worker.request(message, self._plan.timeout_s)
        return reply["wall_ns"], reply["cpu_ns"]

    def kill(self) -> None:
        self._worker.kill()


class LockstepArena:
    """A process for each fighter, called in turn: two releases of a runtime don't go into one process.

    A single thread has both processes on one core, the next core in the next turn: what a core has, both have.

    Args:
        commands: of the workers, by fighter.

    Raises: WorkerFault.
    """

    def __init__(self, commands: Mapping[int, Sequence[str]], base: Path, head: Path, plan: DuelPlan) -> None:
        self._plan = plan
        self._paths = {BASE: base, HEAD: head, BASE_AGAIN: base}
        self._workers: dict[int, Worker] = {}
        try:
            for fighter, command in commands.items():
                self._workers[fighter] = Worker(command, choose_environment(os.environ))
        except BaseException:
            self.kill()
            raise

    def run_life(self, fighters: tuple[int, int], order: Sequence[int], turn: int) -> tuple[list[int], list[int]]:
        plan = replace(self._plan.run_plan, core_mask=self._choose_cores(turn))
        for fighter in fighters:
            self._request(fighter, "load", **describe_load(self._paths[fighter], plan))
        for fighter in fighters:
            self._request(fighter, "burst", count=WARMUP_COUNT)
        wall_ns, cpu_ns = [], []
        for place in order:
            reply = self._request(fighters[place], "burst", count=1)
            wall_ns += reply["wall_ns"]
            cpu_ns += reply["cpu_ns"]
        return wall_ns, cpu_ns

    def kill(self) -> None:
        for worker in self._workers.values():
            worker.kill()

    def _request(self, fighter: int, do: str, **values: Any) -> dict[str, Any]:
        return self._workers[fighter].request({"do": do, **values}, self._plan.timeout_s)

    def _choose_cores(self, turn: int) -> int | None:
        if self._plan.core_mask is not None or self._plan.thread_count > 1 or not hasattr(os, "sched_getaffinity"):
            return self._plan.core_mask
        cores = sorted(os.sched_getaffinity(0))
        return 1 << cores[turn % len(cores)]


def choose_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What a duel's worker gets beside `environ`; the user's own tunables stay as they are."""
    return {} if environ.get(TUNABLES) else {TUNABLES: HUGE_PAGES}
