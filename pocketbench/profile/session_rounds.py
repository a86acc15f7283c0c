"""One session: fresh workers, bursts in turn, and what came of each cell; again when the machine was lost."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

from pocketbench.core.errors import DeviceFault
from pocketbench.core.records import Conditions, Failure, Measurement, OperatorTime
from pocketbench.profile.cell import Cell, CellSession, describe_fault
from pocketbench.profile.machine import ConnectionLoss, Machine
from pocketbench.profile.progress import Steps
from pocketbench.profile.rotation import order_round
from pocketbench.profile.worker import WorkerFault

# One loss may be the network's; a model that takes the board down with it does so each time.
LOSS_LIMIT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
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


def repeat_session(
    due: Mapping[int, Cell], session_index: int, machine: Machine, steps: Steps
) -> Generator[Outcome, None, None]:
    """One session of all that is due, again for what is left of it after each time that the machine was lost."""
    left = dict(due)
    losses: Counter[int | None] = Counter()
    while left:
        try:
            machine.get_ready(steps.begin)
            outcomes = _run_session(dict(left), session_index, machine, steps)
            with contextlib.closing(outcomes):
                for outcome in outcomes:
                    del left[outcome.index]
                    yield outcome
        except ConnectionLoss as loss:
            for index in left:
                steps.restart(index, session_index)
            lost = next((index for index, cell in left.items() if cell is loss.cell), None)
            losses[lost] += 1
            steps.begin(f"session {session_index + 1}: {loss}")
            machine.reconnect(steps.begin)
            if losses[lost] < LOSS_LIMIT:
                continue
            message = f"the connection was lost {LOSS_LIMIT} times in session {session_index + 1}: {loss}"
            if lost is None:
                raise DeviceFault(message, "see what happens to the device, and run the same command again") from loss
            del left[lost]
            failure = Failure(kind="connection", message=message)
            yield _fail_after_loss(lost, failure, machine)


def _fail_after_loss(index: int, failure: Failure, machine: Machine) -> Outcome:
    now = machine.read_conditions()
    return Outcome(index=index, found=failure, facts={}, before=now, after=now)


def _run_session(
    due: Mapping[int, Cell], session_index: int, machine: Machine, steps: Steps
) -> Generator[Outcome, None, None]:
    """Yield each failure when it happens and the measurements at the end. No worker outlives the iteration."""
    before = machine.read_conditions()
    live: dict[int, CellSession] = {}

    def fail(index: int, fault: WorkerFault, facts: dict[str, Any]) -> Outcome:
        found = describe_fault(fault, due[index].plan.engine)
        return Outcome(index=index, found=found, facts=facts, before=before, after=machine.read_conditions())

    with contextlib.ExitStack() as workers:
        for index, cell in due.items():
            steps.begin(f"session {session_index + 1}: {cell.artifact.file_name} loads on {cell.plan.engine}")
            try:
                running = CellSession(cell, machine.start_worker(cell))
                workers.callback(running.kill)
                running.prepare()
            except WorkerFault as fault:
                yield fail(index, fault, {})
            else:
                live[index] = running
                steps.finish(index, session_index)
        # read once more: the clocks are up by now, as they will be after the last round
        before = machine.read_conditions()
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
        after = machine.read_conditions()
        for index, running in live.items():
            try:
                measurement = running.finish()
            except WorkerFault as fault:
                yield fail(index, fault, running.facts)
            else:
                yield Outcome(index=index, found=measurement, facts=running.facts, before=before, after=after)
