"""Measure artifacts: what an interrupted run has done already, and where results go."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pocketbench.core.jsonio import to_plain
from pocketbench.core.records import Artifact, Device, RunPlan, RunResult
from pocketbench.core.store import Store
from pocketbench.profile.cell import Cell
from pocketbench.profile.device_lock import hold_device
from pocketbench.profile.plans import check_plan
from pocketbench.profile.progress import Progress
from pocketbench.profile.runner import Runner


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileOutcome:
    """The results of a run on one device, in the order of its cells and sessions; some may be of an earlier,
    interrupted call."""

    run_id: str
    results: list[RunResult]
    resumed_count: int

    @property
    def failures(self) -> list[RunResult]:
        return [result for result in self.results if result.failure is not None]


def profile_models(
    cells: Sequence[Cell],
    store: Store,
    *,
    runner: Runner,
    device: Device,
    on_progress: Callable[[Progress], None] | None = None,
    with_operators: bool = False,
) -> ProfileOutcome:
    """Measure every cell on a device in interleaved rounds and store each result when its session is over.

    A run that was interrupted goes on where it stopped: the newest unfinished run of the same files, plans and device.

    Args:
        with_operators: also take the times of the operators, in passes of their own.

    Raises:
        UsageError: for a plan that makes no sense.
        DeviceFault: when the device is gone, in use, or too hot; or when the same run is under way in another process.
        FileFault, EnvironmentFault: when the results can't be stored.
    """
    for cell in cells:
        check_plan(cell.plan)
    places = {identify_cell(cell.artifact, cell.plan): index for index, cell in enumerate(cells)}
    expected = sum(cell.plan.session_count for cell in cells)
    run_key = make_run_key(cells, device)
    # two processes that go on with one run would measure, and store, the same sessions
    with hold_device(f"run {run_key} in {store.place}", device.name or device.device_id):
        run_id = store.begin_run(run_key, expected)
        earlier = store.read_results(run_id=run_id)
        done = {(places[identify_cell(result.artifact, result.plan)], result.session_index) for result in earlier}
        fresh = runner.profile(
            cells,
            run_id=run_id,
            device=device,
            on_result=store.append,
            on_progress=on_progress,
            done=done,
            with_operators=with_operators,
        )
        store.finish_run(run_id)
    results = sorted(
        [*earlier, *fresh],
        key=lambda result: (places[identify_cell(result.artifact, result.plan)], result.session_index),
    )
    return ProfileOutcome(run_id=run_id, results=results, resumed_count=len(earlier))


def identify_cell(artifact: Artifact, plan: RunPlan) -> str:
    """What makes two cells the same: the file's content and name, and the plan."""
    return json.dumps([artifact.sha256, artifact.file_name, to_plain(plan)], sort_keys=True)


def make_run_key(cells: Sequence[Cell], device: Device) -> str:
    """A hash of all that must be equal for an interrupted run to be continued."""
    parts = [device.device_id, *(identify_cell(cell.artifact, cell.plan) for cell in cells)]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "backslashreplace")).hexdigest()
