"""A cell, a model file on an engine, and its part in a session."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pocketbench.core.records import Artifact, Failure, Measurement, RunPlan
from pocketbench.profile.catalog import ENGINES
from pocketbench.profile.worker import WorkerFault

# Every cell gets inputs drawn from the same seed: equal models compute the same numbers.
INPUT_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A model file and how to measure it."""

    artifact: Artifact
    path: Path
    plan: RunPlan


class CellWorker(Protocol):
    """What a session needs of a worker: `worker.Worker`, or one that runs on another machine."""

    def request(self, message: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Raises: WorkerFault."""
        ...

    def close(self) -> None: ...

    def kill(self) -> None: ...


class CellSession:
    """One cell in one session: its worker, and what it has measured so far.

    Args:
        worker: fresh, and from now on this object's to end.
    """

    def __init__(self, cell: Cell, worker: CellWorker) -> None:
        self.cell = cell
        self.facts: dict[str, Any] = {}
        self._worker = worker
        self._first_ns = 0
        self._warmup_wall_ns: list[int] = []
        self._wall_ns: list[int] = []
        self._cpu_ns: list[int] = []

    def prepare(self) -> None:
        """Load, run once, warm up. Raises: WorkerFault."""
        plan = self.cell.plan
        self.facts = self._request("load", **describe_load(self.cell.path, plan))
        self._first_ns = self._request("burst", count=1)["wall_ns"][0]
        self._warmup_wall_ns = self._request("burst", count=plan.warmup_count)["wall_ns"]

    def run_burst(self) -> None:
        """Raises: WorkerFault."""
        reply = self._request("burst", count=self.cell.plan.burst_count)
        self._wall_ns += reply["wall_ns"]
        self._cpu_ns += reply["cpu_ns"]

    def finish(self) -> Measurement:
        """End the worker and return all that was measured. Raises: WorkerFault."""
        plan = self.cell.plan
        peak_rss_bytes = self._request("finish")["peak_rss_bytes"]
        self._worker.close()
        return Measurement(
            wall_ns=tuple(self._wall_ns),
            cpu_ns=tuple(self._cpu_ns),
            cpu_clock=self.facts["cpu_clock"],
            burst_count=plan.burst_count,
            settle_count=plan.settle_count,
            warmup_wall_ns=tuple(self._warmup_wall_ns),
            load_ns=self.facts["load_ns"],
            first_ns=self._first_ns,
            peak_rss_bytes=peak_rss_bytes,
            idle_rss_bytes=self.facts["idle_rss_bytes"],
            clock_resolution_ns=self.facts["clock_resolution_ns"],
        )

    def kill(self) -> None:
        self._worker.kill()

    def _request(self, do: str, **values: Any) -> dict[str, Any]:
        return self._worker.request({"do": do, **values}, self.cell.plan.timeout_s)


def describe_load(path: Path, plan: RunPlan) -> dict[str, Any]:
    """The agent's request to load `path`, without its verb."""
    return {
        "engine": ENGINES.entry(plan.engine).target,
        "delegate": plan.delegate,
        "path": str(path.absolute()),
        "thread_count": plan.thread_count,
        "core_mask": plan.core_mask,
        "shapes": plan.shapes,
        "seed": INPUT_SEED,
    }


def describe_fault(fault: WorkerFault, engine: str) -> Failure:
    """The failure of a cell; a package that is missing is named with what installs it."""
    failure = fault.failure
    install = ENGINES.entry(engine).install
    if failure.kind != "missing_package" or not install:
        return failure
    return Failure(kind=failure.kind, message=f"{failure.message} (to install it: {install})")
