"""Measure artifacts: which cells there are, what an interrupted run has done already, and where results go."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pocketbench.core.errors import EnvironmentFault, UsageError
from pocketbench.core.jsonio import to_plain
from pocketbench.core.model_files import SUFFIXES
from pocketbench.core.records import Artifact, Device, RunPlan, RunResult
from pocketbench.core.store import Store
from pocketbench.profile.catalog import ENGINES, engine_suffixes
from pocketbench.profile.cell import Cell
from pocketbench.profile.plans import check_plan
from pocketbench.profile.progress import Progress
from pocketbench.profile.session import profile_cells


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileOutcome:
    """The results of a run, in the order of its cells and sessions; some may be of an earlier, interrupted call."""

    run_id: str
    results: list[RunResult]
    resumed_count: int

    @property
    def failures(self) -> list[RunResult]:
        return [result for result in self.results if result.failure is not None]


def list_cells(artifacts: Sequence[tuple[Artifact, Path]], plans: Sequence[RunPlan]) -> list[Cell]:
    """Every artifact with every plan whose engine runs its format.

    Raises: UsageError when an artifact or an engine is left without a partner.
    """
    cells = [
        Cell(artifact=artifact, path=path, plan=plan)
        for artifact, path in artifacts
        for plan in plans
        if SUFFIXES[artifact.format] in engine_suffixes(plan.engine)
    ]
    unused = [plan.engine for plan in plans if all(cell.plan.engine != plan.engine for cell in cells)]
    if unused and artifacts:
        runs = ", ".join(engine_suffixes(unused[0]))
        raise UsageError(f"{unused[0]} runs {runs} files, and none was given", "choose another --engine or other files")
    return cells


def choose_engines(artifacts: Sequence[Artifact]) -> list[str]:
    """The engines to measure files with when nobody said: for each format the first one that is installed.

    Raises: UsageError when a format has no engine on this machine.
    """
    engines: dict[str, None] = {}
    for artifact in artifacts:
        suffix = SUFFIXES[artifact.format]
        engine = find_engine(suffix)
        if engine is None:
            fitting = _list_fitting(suffix)
            raise UsageError(
                f"no engine of this machine runs {suffix} files",
                ENGINES.entry(fitting[0]).install if fitting else "Core ML models run on macOS and iOS only",
            )
        engines[engine] = None
    return list(engines)


def find_engine(suffix: str) -> str | None:
    """The first engine that is installed for a kind of file."""
    return next((name for name in _list_fitting(suffix) if not ENGINES.entry(name).missing()), None)


def _list_fitting(suffix: str) -> list[str]:
    """The engines that run such files; not a plug-in that can't be loaded, which must not stop the others."""
    fitting = []
    for name in ENGINES.names():
        with contextlib.suppress(EnvironmentFault):
            if suffix in engine_suffixes(name):
                fitting.append(name)
    return fitting


def profile_models(
    cells: Sequence[Cell],
    store: Store,
    *,
    device: Device,
    on_progress: Callable[[Progress], None] | None = None,
    pythons: Mapping[str, Path] | None = None,
) -> ProfileOutcome:
    """Measure every cell in interleaved rounds and store each result when its session is over.

    A run that was interrupted goes on where it stopped: the newest unfinished run of the same files, plans and device.

    Raises:
        UsageError: for a plan that makes no sense.
        FileFault, EnvironmentFault: when the results can't be stored.
    """
    for cell in cells:
        check_plan(cell.plan)
    places = {identify_cell(cell.artifact, cell.plan): index for index, cell in enumerate(cells)}
    expected = sum(cell.plan.session_count for cell in cells)
    run_id = store.begin_run(make_run_key(cells, device), expected)
    earlier = store.read_results(run_id=run_id)
    done = {(places[identify_cell(result.artifact, result.plan)], result.session_index) for result in earlier}
    fresh = profile_cells(
        cells,
        run_id=run_id,
        device=device,
        on_result=store.append,
        on_progress=on_progress,
        done=done,
        pythons=pythons,
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
