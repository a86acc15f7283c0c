"""Each side of a cell by itself, before they fight: does it load and run, with which inputs and tools."""

from __future__ import annotations

from dataclasses import dataclass

from pocketbench.core.records import Failure
from pocketbench.profile.catalog import ENGINES
from pocketbench.profile.duel.arena import BASE, HEAD
from pocketbench.profile.duel.side import SideFacts, inspect_side
from pocketbench.profile.worker import WorkerFault
from pocketbench.workflow.gate.run_cells import RunCell
from pocketbench.workflow.gate.workers import Workers

LOAD_COUNT = 9
"""Loads for a latency by itself: their smallest and largest median hold the true one with 99.6 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What the sides are; `obstacle` is (verdict, reason) where they can't be timed."""

    base: SideFacts | None
    head: SideFacts | None
    obstacle: tuple[str, str] | None


def inspect_cell(cell: RunCell, workers: Workers) -> Inspection:
    """Each side in a worker of its own. A head that does not run has failed; a base that does not decides nothing.

    A byte-identical file has no duel, unless the environments differ, and is not even run without a limit in ms.
    """
    engine = cell.plan.engine
    load_count = LOAD_COUNT if engine in cell.limits.absolute_ms else 0
    if not cell.fights and cell.pair.state == "same" and not load_count:
        return Inspection(base=None, head=None, obstacle=("pass", "byte-identical, not timed"))
    try:
        head = inspect_side(workers.command(engine, HEAD), cell.head_path, cell.plan, load_count)
    except WorkerFault as fault:
        return Inspection(base=None, head=None, obstacle=("failed", f"head: {describe_failure(fault, engine)}"))
    if cell.base_path is None:
        return Inspection(base=None, head=head, obstacle=cell.alone)
    if not cell.fights:
        return Inspection(base=None, head=head, obstacle=("pass", "byte-identical, not timed against base"))
    try:
        base = inspect_side(workers.command(engine, BASE), cell.base_path, cell.plan, 0)
    except WorkerFault as fault:
        reason = f"base does not run: {describe_failure(fault, engine)}"
        return Inspection(base=None, head=head, obstacle=("inconclusive", reason))
    return Inspection(base=base, head=head, obstacle=find_difference(base, head, apart=workers.apart))


def find_difference(base: SideFacts, head: SideFacts, *, apart: bool) -> tuple[str, str] | None:
    """Why two sides that both run can't be timed against each other.

    Args:
        apart: whether their environments were meant to differ.
    """
    if base.inputs != head.inputs:
        return "inconclusive", f"the inputs differ: base runs {_show(base)}, head {_show(head)}"
    if not apart:
        for name in sorted(base.tools.keys() | head.tools.keys()):
            if base.tools.get(name) != head.tools.get(name):
                versions = f"{base.tools.get(name)} on base's side, {head.tools.get(name)} on head's"
                return "inconclusive", f"{name} is {versions}"
    return None


def describe_failure(fault: WorkerFault, engine: str) -> str:
    failure: Failure = fault.failure
    install = ENGINES.entry(engine).install if failure.kind == "missing_package" else ""
    return f"{failure.kind}: {failure.message}" + (f" (to install it: {install})" if install else "")


def _show(side: SideFacts) -> str:
    return ", ".join(f"{dtype} {'x'.join(map(str, sizes)) or 'scalar'}" for dtype, sizes in side.inputs)
