"""A file on an engine: what is to be run, and against what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pocketbench.core.gate_records import OperatorChange
from pocketbench.profile.duel.arena import BASE, BASE_AGAIN, HEAD, Arena, DuelPlan, LockstepArena, SharedArena
from pocketbench.workflow.gate.limits import Limits
from pocketbench.workflow.gate.mismatch import find_mismatch
from pocketbench.workflow.gate.operator_checks import compare_operators
from pocketbench.workflow.gate.pairing import Pair
from pocketbench.workflow.gate.request import DEVICE, GateRequest
from pocketbench.workflow.gate.timing import TimedCell
from pocketbench.workflow.gate.workers import Workers


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
