"""The verdict of a cell that was run: the worst of its duel's and its checks'."""

from __future__ import annotations

from pocketbench.core.estimates import find_median_interval, median
from pocketbench.core.gate_records import CellKey, CellVerdict, Check, find_worst
from pocketbench.workflow.gate.file_verdicts import join_reasons
from pocketbench.workflow.gate.inspection import Inspection
from pocketbench.workflow.gate.run_cells import RunCell
from pocketbench.workflow.gate.run_checks import check_absolute_latency, check_peak_rss
from pocketbench.workflow.gate.timing import Timing

LOAD_CONFIDENCE = 0.99


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
