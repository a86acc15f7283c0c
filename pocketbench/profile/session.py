"""Sessions: cells measured in turn, each by its own worker, so that the machine's drift falls on all alike."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pocketbench.core.errors import MissingPackageError
from pocketbench.core.records import Caveat, Conditions, Device, Failure, Measurement, OperatorTime, RunResult
from pocketbench.profile.archive import write_agent_archive
from pocketbench.profile.caveats import find_caveats
from pocketbench.profile.cell import Cell, CellSession, StartWorker, describe_fault
from pocketbench.profile.conditions import read_conditions
from pocketbench.profile.delegate_coverage import describe_coverage
from pocketbench.profile.machine_state import read_is_virtual
from pocketbench.profile.operator_pass import ReadProfile, make_host_reader, take_operator_times
from pocketbench.profile.plans import check_plan
from pocketbench.profile.progress import Progress, Steps
from pocketbench.profile.rotation import order_round
from pocketbench.profile.runtimes import engine_python, worker_command
from pocketbench.profile.worker import Worker, WorkerFault


def profile_cells(
    cells: Sequence[Cell],
    *,
    run_id: str,
    device: Device,
    on_result: Callable[[RunResult], None],
    on_progress: Callable[[Progress], None] | None = None,
    done: Collection[tuple[int, int]] = (),
    pythons: Mapping[str, Path] | None = None,
    start_worker: StartWorker | None = None,
    with_operators: bool = False,
    read_profile: ReadProfile | None = None,
) -> list[RunResult]:
    """Measure every cell in each of its sessions and return the results in the order in which they came.

    A cell that fails (a crash, a hang, a model that does not load, a package that is missing) costs itself alone: the
    failure is its result, and it takes no part in the later sessions of this call.

    Args:
        on_result: is given each result as soon as its session is over, and a failure at once: what it stores is kept
            when the call is interrupted.
        done: (cell index, session index) of the results that an interrupted call has stored.
        pythons: the interpreter for the workers of an engine, by the engine's name (`runtimes.engine_python`).
        start_worker: starts the worker of a cell; by default on this machine.
        with_operators: also take operator times, after a cell's last session, whose result gets them. Where that fails
            the reason is a caveat of that result.
        read_profile: takes the operator times of a cell once; by default on this machine.

    Raises:
        UsageError: when a plan makes no sense or names an engine that does not exist; nothing was measured then.
        FileFault: when an interpreter that was named can't be run; nothing was measured then.
    """
    for cell in cells:
        check_plan(cell.plan)
    results: list[RunResult] = []
    failed: set[int] = set()
    with contextlib.ExitStack() as stack:
        if start_worker is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pocketbench-"))
            start_worker = _make_host_starter(cells, write_agent_archive(Path(folder)), pythons or {})
        steps = Steps(cells, done, on_progress)
        git_commit = read_git_commit()
        for session_index in range(max((cell.plan.session_count for cell in cells), default=0)):
            due = {
                index: cell
                for index, cell in enumerate(cells)
                if session_index < cell.plan.session_count
                and (index, session_index) not in done
                and index not in failed
            }
            if not due:
                continue
            if results:
                time.sleep(max(cell.plan.cooldown_s for cell in due.values()))
            measured_before = bool(results)
            outcomes = _run_session(due, session_index, start_worker, steps)
            if with_operators:
                read = read_profile or make_host_reader(pythons or {})
                outcomes = _add_operator_times(outcomes, cells, session_index, read, steps)
            # closed at once, whatever happens: it ends the workers
            with contextlib.closing(outcomes):
                for outcome in outcomes:
                    if isinstance(outcome.found, Failure):
                        failed.add(outcome.index)
                        steps.give_up(outcome.index)
                    result = _make_result(outcome, cells, run_id, session_index, device, git_commit, measured_before)
                    results.append(result)
                    on_result(result)
    return results


def read_git_commit() -> str | None:
    """The commit that is checked out in the current folder, if it is in a checkout."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--verify", "HEAD"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What came of one cell in one session.

    `facts` is what its worker said of the model when it had loaded it. `operators` are its operator times, or why they
    are not known; None where nobody asked.
    """

    index: int
    found: Measurement | Failure
    facts: dict[str, Any]
    before: Conditions
    after: Conditions
    operators: tuple[OperatorTime, ...] | str | None = None


def _run_session(
    due: Mapping[int, Cell], session_index: int, start_worker: StartWorker, steps: Steps
) -> Generator[_Outcome, None, None]:
    """Yield each failure when it happens and the measurements at the end. No worker outlives the iteration."""
    before = read_conditions()
    live: dict[int, CellSession] = {}

    def fail(index: int, fault: WorkerFault, facts: dict[str, Any]) -> _Outcome:
        found = describe_fault(fault, due[index].plan.engine)
        return _Outcome(index=index, found=found, facts=facts, before=before, after=read_conditions())

    with contextlib.ExitStack() as workers:
        for index, cell in due.items():
            steps.begin(f"session {session_index + 1}: {cell.artifact.file_name} loads on {cell.plan.engine}")
            try:
                running = CellSession(cell, start_worker(cell))
                workers.callback(running.kill)
                running.prepare()
            except WorkerFault as fault:
                yield fail(index, fault, {})
            else:
                live[index] = running
                steps.finish(index, session_index)
        # read once more: the clocks are up by now, as they will be after the last round
        before = read_conditions()
        for round_index in range(max((running.cell.plan.round_count for running in live.values()), default=0)):
            active = [index for index, running in live.items() if round_index < running.cell.plan.round_count]
            for position in order_round(len(active), round_index):
                index = active[position]
                running = live[index]
                steps.begin(f"session {session_index + 1}, round {round_index + 1}: {running.cell.artifact.file_name}")
                try:
                    running.run_burst()
                except WorkerFault as fault:
                    del live[index]
                    yield fail(index, fault, running.facts)
                else:
                    steps.finish(index, session_index)
        after = read_conditions()
        for index, running in live.items():
            try:
                measurement = running.finish()
            except WorkerFault as fault:
                yield fail(index, fault, running.facts)
            else:
                yield _Outcome(index=index, found=measurement, facts=running.facts, before=before, after=after)


def _add_operator_times(
    outcomes: Generator[_Outcome, None, None],
    cells: Sequence[Cell],
    session_index: int,
    read: ReadProfile,
    steps: Steps,
) -> Generator[_Outcome, None, None]:
    """Yield the outcomes, the measurements of each cell's last session with its operator times. The workers have ended
    before the first file is profiled; what was measured is yielded whatever happens then."""
    waiting = []
    with contextlib.closing(outcomes):
        for outcome in outcomes:
            if isinstance(outcome.found, Measurement) and session_index + 1 == cells[outcome.index].plan.session_count:
                waiting.append(outcome)
            else:
                yield outcome
    found: dict[int, tuple[OperatorTime, ...] | str] = {}
    try:
        found = take_operator_times({outcome.index: cells[outcome.index] for outcome in waiting}, read, steps.begin)
    finally:
        for outcome in waiting:
            yield replace(outcome, operators=found.get(outcome.index))


def _make_result(
    outcome: _Outcome,
    cells: Sequence[Cell],
    run_id: str,
    session_index: int,
    device: Device,
    git_commit: str | None,
    measured_before: bool,
) -> RunResult:
    cell = cells[outcome.index]
    measurement = outcome.found if isinstance(outcome.found, Measurement) else None
    caveats: tuple[Caveat, ...] = ()
    if measurement is not None:
        caveats = find_caveats(
            measurement,
            outcome.before,
            outcome.after,
            cell.plan,
            core_count=device.core_count,
            is_virtual=read_is_virtual() if device.transport == "host" else None,
            own_load=cell.plan.thread_count if measured_before else 0,
            assumed_batch=outcome.facts["assumed_batch"],
        )
    if isinstance(outcome.operators, str):
        caveats += (Caveat(code="no_operator_times", text=f"operator times were asked for: {outcome.operators}"),)
    operator_times = outcome.operators if isinstance(outcome.operators, tuple) else None
    return RunResult(
        run_id=run_id,
        session_index=session_index,
        artifact=cell.artifact,
        device=device,
        plan=cell.plan,
        measurement=measurement,
        failure=outcome.found if isinstance(outcome.found, Failure) else None,
        conditions_before=outcome.before,
        conditions_after=outcome.after,
        caveats=caveats,
        tools=outcome.facts.get("tools", {}),
        git_commit=git_commit,
        operator_times=operator_times,
        coverage=describe_coverage(outcome.facts, operator_times),
    )


def _make_host_starter(cells: Sequence[Cell], archive: Path, pythons: Mapping[str, Path]) -> StartWorker:
    """Interpreters are looked up before anything is measured; one that is not there fails the cells that need it."""
    commands: dict[str, list[str] | MissingPackageError] = {}
    for engine in {cell.plan.engine for cell in cells}:
        try:
            commands[engine] = worker_command(engine_python(engine, pythons.get(engine)), archive)
        except MissingPackageError as error:
            commands[engine] = error

    def start(cell: Cell) -> Worker:
        command = commands[cell.plan.engine]
        if isinstance(command, MissingPackageError):
            raise WorkerFault("missing_package", command.what) from command
        return Worker(command)

    return start
