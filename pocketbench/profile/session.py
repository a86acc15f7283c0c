"""Sessions: cells measured in turn, each by its own worker, so that the machine's drift falls on all alike."""

from __future__ import annotations

import contextlib
import dataclasses
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from pathlib import Path

from pocketbench.core.records import Caveat, Device, Failure, Measurement, OperatorTime, RunResult
from pocketbench.profile.archive import write_agent_archive
from pocketbench.profile.catalog import estimates_operators
from pocketbench.profile.caveats import find_caveats
from pocketbench.profile.cell import Cell
from pocketbench.profile.machine import HostMachine, Machine
from pocketbench.profile.operators.coverage import describe_coverage
from pocketbench.profile.operators.passes import ReadProfile, take_operator_times
from pocketbench.profile.plans import check_plan
from pocketbench.profile.progress import Progress, Steps
from pocketbench.profile.session_rounds import Outcome, repeat_session

ESTIMATED = "operator times are what {} reckons of a measured inference: they were not measured themselves"


def profile_cells(
    cells: Sequence[Cell],
    *,
    run_id: str,
    device: Device,
    on_result: Callable[[RunResult], None],
    on_progress: Callable[[Progress], None] | None = None,
    done: Collection[tuple[int, int]] = (),
    pythons: Mapping[str, Path] | None = None,
    machine: Machine | None = None,
    with_operators: bool = False,
    read_profile: ReadProfile | None = None,
) -> list[RunResult]:
    """Measure every cell in each of its sessions and return the results in the order in which they came.

    A cell that fails (a crash, a hang, a model that does not load, a package that is missing) costs itself alone: the
    failure is its result, and it takes no part in the later sessions of this call. When the machine is out of reach for
    a while, what is measured of the session is void and measured again; a cell that is at work whenever it goes away
    fails.

    Args:
        on_result: is given each result as soon as its session is over, and a failure at once: what it stores is kept
            when the call is interrupted.
        done: (cell index, session index) of the results that an interrupted call has stored.
        pythons: the interpreter for the workers of an engine, by the engine's name (`runtimes.engine_python`).
        machine: where the workers run; by default this one.
        with_operators: also take operator times, after a cell's last session, whose result gets them. Where that fails
            the reason is a caveat of that result.
        read_profile: takes the operator times of a cell once; by default on the machine.

    Raises:
        UsageError: when a plan makes no sense or names an engine that does not exist; nothing was measured then.
        FileFault: when an interpreter that was named can't be run; nothing was measured then.
        DeviceFault: when the machine stays out of reach, or does not get ready.
    """
    for cell in cells:
        check_plan(cell.plan)
    results: list[RunResult] = []
    failed: set[int] = set()
    with contextlib.ExitStack() as stack:
        if machine is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pocketbench-"))
            machine = HostMachine(cells, write_agent_archive(Path(folder)), pythons or {})
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
            outcomes = repeat_session(due, session_index, machine, steps)
            if with_operators:
                read = read_profile or machine.read_profile
                outcomes = _add_operator_times(outcomes, cells, session_index, read, steps)
            # closed at once, whatever happens: it ends the workers
            with contextlib.closing(outcomes):
                for outcome in outcomes:
                    if isinstance(outcome.found, Failure):
                        failed.add(outcome.index)
                        steps.give_up(outcome.index)
                    result = _make_result(
                        outcome, cells, run_id, session_index, device, git_commit, measured_before, machine.is_virtual
                    )
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


def _add_operator_times(
    outcomes: Generator[Outcome, None, None],
    cells: Sequence[Cell],
    session_index: int,
    read: ReadProfile,
    steps: Steps,
) -> Generator[Outcome, None, None]:
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
            yield dataclasses.replace(outcome, operators=found.get(outcome.index, "their pass was interrupted"))


def _make_result(
    outcome: Outcome,
    cells: Sequence[Cell],
    run_id: str,
    session_index: int,
    device: Device,
    git_commit: str | None,
    measured_before: bool,
    is_virtual: bool | None,
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
            is_virtual=is_virtual,
            own_load=(cell.plan.thread_count or 1) if measured_before else 0,
            assumed_batch=outcome.facts["assumed_batch"],
        )
    if isinstance(outcome.operators, str):
        caveats += (Caveat(code="no_operator_times", text=f"operator times were asked for: {outcome.operators}"),)
    operator_times = outcome.operators if isinstance(outcome.operators, tuple) else None
    if operator_times is not None and estimates_operators(cell.plan.engine):
        caveats += (Caveat(code="estimated_operator_times", text=ESTIMATED.format(cell.plan.engine)),)
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
