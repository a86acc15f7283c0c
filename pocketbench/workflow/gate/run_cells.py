"""A file on an engine: looked at side by side, timed, and concluded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pocketbench.core.errors import MissingPackageError
from pocketbench.core.estimates import find_median_interval, median
from pocketbench.core.gate_records import CellKey, CellVerdict, Check, OperatorChange, find_worst
from pocketbench.core.records import Failure
from pocketbench.profile.arena import BASE, BASE_AGAIN, HEAD, Arena, DuelPlan, LockstepArena, SharedArena
from pocketbench.profile.catalog import ENGINES
from pocketbench.profile.runtimes import engine_python, worker_command
from pocketbench.profile.side import SideFacts, inspect_side
from pocketbench.profile.worker import WorkerFault
from pocketbench.workflow.gate.file_verdicts import join_reasons
from pocketbench.workflow.gate.limits import Limits
from pocketbench.workflow.gate.mismatch import find_mismatch
from pocketbench.workflow.gate.operator_checks import compare_operators
from pocketbench.workflow.gate.pairing import Pair
from pocketbench.workflow.gate.request import DEVICE, GateRequest
from pocketbench.workflow.gate.run_checks import check_absolute_latency, check_peak_rss
from pocketbench.workflow.gate.timing import TimedCell, Timing

LOAD_COUNT = 9
"""Loads for a latency by itself: their smallest and largest median hold the true one with 99.6 %."""
LOAD_CONFIDENCE = 0.99


class Workers:
    """The commands that start workers: head's interpreter, and base's where it is another.

    Args:
        archive: of the agent.
        base_python: None for head's.
    """

    def __init__(self, archive: Path, base_python: Path | None) -> None:
        self._archive = archive
        self._base_python = base_python

    @property
    def apart(self) -> bool:
        return self._base_python is not None

    def command(self, engine: str, fighter: int) -> list[str]:
        """Raises: WorkerFault when the engine has no interpreter here; FileFault for one that can't be run."""
        try:
            python = engine_python(engine, None if fighter == HEAD else self._base_python)
        except MissingPackageError as error:
            raise WorkerFault("missing_package", f"{error.what} ({error.cure})") from error
        return worker_command(python, self._archive)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCell:
    """A pair of files and a way to run them. `base_path` is None where `alone` says, as (verdict, reason), why head has
    nothing to be timed against."""

    pair: Pair
    base_path: Path | None
    head_path: Path
    plan: DuelPlan
    limits: Limits
    fights: bool
    alone: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        threads = f", {self.plan.thread_count} threads" if self.plan.thread_count > 1 else ""
        return f"{self.pair.file_name} on {self.plan.engine}{threads}"

    def make_timed_cell(self, workers: Workers) -> TimedCell:
        def open_arena() -> Arena:
            assert self.base_path is not None
            head = workers.command(self.plan.engine, HEAD)
            if not workers.apart:
                return SharedArena(head, self.base_path, self.head_path, self.plan)
            base = workers.command(self.plan.engine, BASE)
            return LockstepArena({BASE: base, HEAD: head, BASE_AGAIN: base}, self.base_path, self.head_path, self.plan)

        return TimedCell(name=self.name, plan=self.plan, threshold=self.limits.latency_ratio, open_arena=open_arena)

    def operator_changes(self) -> tuple[OperatorChange, ...]:
        return compare_operators(self.pair.base, self.pair.head) if self.pair.base and self.pair.head else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What the sides are; `obstacle` is (verdict, reason) where they can't be timed."""

    base: SideFacts | None
    head: SideFacts | None
    obstacle: tuple[str, str] | None


def list_run_cells(request: GateRequest) -> list[RunCell]:
    """Every file of head with every way to run it: one that can't be compared must run all the same."""
    cells = []
    for pair in request.pairs:
        if pair.head is None or pair.state == "failed":
            continue
        alone = find_no_opponent(pair)
        for plan in request.plans_for(pair.head):
            limits = request.limits.find(pair.head.model_name, pair.head.format, plan.engine, DEVICE)
            cells.append(
                RunCell(
                    pair=pair,
                    base_path=None if alone is not None else request.base_paths[pair.file_name],
                    head_path=request.head_paths[pair.file_name],
                    plan=plan,
                    limits=limits,
                    fights=alone is None and (pair.state == "both" or request.base_python is not None),
                    alone=alone,
                )
            )
    return cells


def find_no_opponent(pair: Pair) -> tuple[str, str] | None:
    """Why head's file has nothing to be timed against, and the verdict that this gives it when it runs."""
    if pair.state == "new":
        return "pass", "new: there is no base"
    if pair.state == "base_failed":
        return "inconclusive", pair.reason or "base does not export it"
    if pair.state != "both" or pair.base is None or pair.head is None:
        return None
    mismatch = find_mismatch(pair.base, pair.head)
    return None if mismatch is None else ("inconclusive", mismatch)


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


def conclude_run(cell: RunCell, found: Inspection, timing: Timing | None, device_id: str) -> CellVerdict:
    """The cell's verdict: the worst of its duel's and its checks'."""
    verdict, reason = (timing.verdict, timing.reason) if timing is not None else found.obstacle or ("pass", "")
    reason += name_releases(found) if timing is not None else ""
    checks = tuple(check for check in _list_checks(cell, found) if check is not None)
    worst = find_worst([verdict, *(check.verdict for check in checks)])
    return CellVerdict(
        key=CellKey(
            model=cell.pair.head.model_name if cell.pair.head else cell.pair.file_name,
            file_name=cell.pair.file_name,
            engine=cell.plan.engine,
            thread_count=cell.plan.thread_count,
            device_id=device_id,
        ),
        verdict=worst,
        reason=join_reasons(reason, checks) if worst != verdict else reason,
        base_sha256=cell.pair.base.sha256 if cell.pair.base else None,
        head_sha256=cell.pair.head.sha256 if cell.pair.head else None,
        duel=timing.duel if timing is not None else None,
        checks=checks,
        operator_changes=(),
        parts=(),
        base_tools=found.base.tools if found.base else {},
        head_tools=found.head.tools if found.head else {},
    )


def name_releases(found: Inspection) -> str:
    """What two environments differ in, to be added to a reason; nothing where they don't."""
    if found.base is None or found.head is None:
        return ""
    base, head = found.base.tools, found.head.tools
    names = [name for name in sorted(base.keys() & head.keys()) if base[name] != head[name]]
    told = ", ".join(f"{name} {base[name]} in base and {head[name]} in head" for name in names)
    return f"; {told}" if told else ""


def describe_failure(fault: WorkerFault, engine: str) -> str:
    failure: Failure = fault.failure
    install = ENGINES.entry(engine).install if failure.kind == "missing_package" else ""
    return f"{failure.kind}: {failure.message}" + (f" (to install it: {install})" if install else "")


def _list_checks(cell: RunCell, found: Inspection) -> list[Check | None]:
    if found.head is None:
        return []
    medians = found.head.load_medians_ns
    interval = find_median_interval(medians, LOAD_CONFIDENCE) if medians else None
    absolute = check_absolute_latency(
        cell.plan.engine,
        value_ns=median(medians) if medians else None,
        low_ns=interval.low if interval else None,
        high_ns=interval.high if interval else None,
        limits=cell.limits,
    )
    if found.base is None:
        return [absolute]
    return [check_peak_rss(found.base.peak_rss_bytes, found.head.peak_rss_bytes, cell.limits), absolute]


def _show(side: SideFacts) -> str:
    return ", ".join(f"{dtype} {'x'.join(map(str, sizes)) or 'scalar'}" for dtype, sizes in side.inputs)
