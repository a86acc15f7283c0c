"""Why a cell got its verdict, as plain rows: the duel, the checks, the operators, where the time went."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pocketbench.core.gate_records import CellVerdict, Check, Duel, OperatorChange, PartTime, Ratio
from pocketbench.core.units import format_error, format_ms, format_signed_ms
from pocketbench.reports.gate.wording import flatten_text, format_duration, format_fine_ratio, format_interval

PART_LIMIT = 10
"""Rows of a kind: the largest changes stand first, and the rest is noise."""
PART_KINDS = ("block", "operator")
UNKNOWN = "not known"

_CLOCKS = {
    "thread": "CPU time of the calling thread",
    "process": "CPU time of the process",
    "wall": "wall clock",
}


def describe_duel(duel: Duel) -> list[str]:
    """Sentences about how base and head were timed, and whether the timing can be trusted."""
    pair_count = len(duel.pair_ratios)
    pairs = "1 pair of lives" if pair_count == 1 else f"{pair_count} pairs of lives"
    result = "passed" if duel.self_test_passed else "failed: this machine can't tell base from base"
    lines = [
        f"base {format_ms(duel.base_ns)}, head {format_ms(duel.head_ns)} a call "
        f"(median, {_CLOCKS.get(duel.clock, flatten_text(duel.clock))}, calls alternating)",
        f"head over base {_describe_ratio(duel.ratio)} from {pairs}, {duel.call_count} calls, "
        f"{format_duration(duel.duration_s)}",
        f"self-test, base against base: {_describe_ratio(duel.self_ratio)}, {result}",
    ]
    if duel.confirmation is not None:
        lines.append(f"once more in a fresh process: {_describe_ratio(duel.confirmation)}")
    return lines


def list_failed_checks(cell: CellVerdict) -> list[Check]:
    return [check for check in cell.checks if check.verdict not in ("pass", "improved")]


def list_other_checks(cell: CellVerdict) -> list[Check]:
    """What kept its limit, and the differences that have none."""
    return [check for check in cell.checks if check.verdict in ("pass", "improved")]


def describe_check(check: Check) -> str:
    """One line: a check's sentence has its values and its limit."""
    return flatten_text(f"{check.name}: {check.text}")


def make_check_row(check: Check) -> tuple[str, str, str, str, str]:
    """Name, base, head, limit, and the sentence."""
    form = _choose_form(check.name)
    limit = "none" if check.limit is None else form(check.limit)
    base, head = (UNKNOWN if value is None else form(value) for value in (check.base, check.head))
    return flatten_text(check.name), base, head, limit, flatten_text(check.text)


def make_operator_row(change: OperatorChange) -> tuple[str, str, str, str]:
    """Name, base, head, difference."""
    difference = change.head_count - change.base_count
    return flatten_text(change.operator), str(change.base_count), str(change.head_count), f"{difference:+d}"


def list_parts(cell: CellVerdict, kind: str) -> tuple[Sequence[PartTime], int]:
    """The parts of a kind that changed most, and how many are left out."""
    parts = [part for part in cell.parts if part.kind == kind]
    return parts[:PART_LIMIT], max(0, len(parts) - PART_LIMIT)


def make_part_row(part: PartTime) -> tuple[str, str, str, str]:
    """Name, base, head, change; the figures in ms."""
    base, head = ("" if ns is None else format_ms(ns, unit=False) for ns in (part.base_ns, part.head_ns))
    return flatten_text(part.name), base, head, _describe_change(part)


def _describe_change(part: PartTime) -> str:
    if part.base_ns is None or part.head_ns is None:
        return "new" if part.base_ns is None else "gone"
    change = format_signed_ms(part.head_ns - part.base_ns, unit=False)
    return f"{change} ({format_fine_ratio(part.head_ns / part.base_ns)})" if part.base_ns else change


def _describe_ratio(ratio: Ratio) -> str:
    interval = format_interval(ratio) or "too few pairs for an interval"
    return f"{format_fine_ratio(ratio.value)} ({interval})"


def _choose_form(name: str) -> Callable[[float], str]:
    """How a check's values are written: exactly, since a limit may hang on the last digit."""
    if name.endswith("_ratio"):
        return format_fine_ratio
    if name.endswith("_error"):
        return format_error
    if name.startswith("absolute_ms"):
        return lambda ms: format_ms(ms * 1e6)
    return lambda value: f"{value:,.0f}" if value == int(value) else f"{value:,.6g}"
