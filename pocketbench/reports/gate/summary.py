"""The gate's report as the page of a CI job: GitHub-flavoured Markdown for $GITHUB_STEP_SUMMARY."""

from __future__ import annotations

from collections.abc import Sequence

from pocketbench.core.gate_records import CellVerdict, GateReport
from pocketbench.reports.gate.escaping import escape_text, format_fold, format_table
from pocketbench.reports.gate.evidence import (
    PART_KINDS,
    describe_duel,
    list_failed_checks,
    list_other_checks,
    list_parts,
    make_check_row,
    make_operator_row,
    make_part_row,
)
from pocketbench.reports.gate.machine import describe_machine, list_tools
from pocketbench.reports.gate.wording import (
    RED_VERDICTS,
    format_fine_ratio,
    format_headline,
    format_interval,
    name_cell,
    name_engine,
    name_file,
    name_interval,
    name_sides,
    sort_cells,
)

DETAIL_LIMIT = 20
"""Cells that are told in full: where more are wrong, they are wrong for one reason."""
ROW_LIMIT = 300

_TERMS = (
    "The limit is the largest ratio that is allowed; detectable is the smallest slowdown that this run would have "
    "called regressed 95 times in 100."
)
_CELL_TEXT_COLUMNS = (0, 1, 2, 7)
_CHECK_HEADS = ("Check", "Base", "Head", "Limit", "")


def format_summary(report: GateReport) -> str:
    """The headline, the cells that did not simply pass (worst first), where each got slower, and the machine."""
    base, head = name_sides(report)
    cells = sort_cells(report.cells)
    told = [cell for cell in cells if cell.verdict != "pass"]
    passed = [cell for cell in cells if cell.verdict == "pass"]
    red = [cell for cell in cells if cell.verdict in RED_VERDICTS]
    sections = [
        f"## Speed gate: {escape_text(format_headline(report))}",
        f"Base: {escape_text(base)}, head: {escape_text(head)}. A ratio is head over base: above 1 is slower.",
    ]
    if any(cell.duel is not None for cell in cells):
        sections[-1] += f" {_TERMS}"
    if told:
        sections.append(format_cells(told))
    sections += [_format_evidence(cell) for cell in red[:DETAIL_LIMIT] if _has_evidence(cell)]
    if red[DETAIL_LIMIT:]:
        sections.append(f"And {len(red) - DETAIL_LIMIT} more, which are in gate.json.")
    if passed:
        count = "1 cell" if len(passed) == 1 else f"{len(passed)} cells"
        sections.append(format_fold(f"{count} passed", format_cells(passed), is_open=not told))
    sections += _format_other_checks(cells)
    sections.append(format_fold("Machine and tools", _format_machine(report)))
    return "\n\n".join(sections) + "\n"


def format_cells(cells: Sequence[CellVerdict]) -> str:
    """A row a cell."""
    heads = ("Model", "Engine", "Verdict", "Ratio", name_interval(cells), "Limit", "Detectable", "Reason")
    table = format_table(heads, [_make_row(cell) for cell in cells[:ROW_LIMIT]], _CELL_TEXT_COLUMNS)
    return f"{table}\n\nAnd {len(cells) - ROW_LIMIT} more." if cells[ROW_LIMIT:] else table


def _make_row(cell: CellVerdict) -> tuple[str, ...]:
    names = (name_file(cell.key), name_engine(cell.key), cell.verdict)
    duel = cell.duel
    if duel is None:
        return (*names, "", "", "", "", cell.reason)
    ratio, interval = format_fine_ratio(duel.ratio.value), format_interval(duel.ratio)
    limits = (format_fine_ratio(duel.threshold), format_fine_ratio(duel.detectable_ratio))
    return (*names, ratio, interval, *limits, cell.reason)


def _has_evidence(cell: CellVerdict) -> bool:
    return cell.duel is not None or bool(list_failed_checks(cell) or cell.parts or cell.operator_changes)


def _format_evidence(cell: CellVerdict) -> str:
    """A cell that needs a look: how it was timed, which checks failed, and where its time went."""
    blocks = [f"### {escape_text(name_cell(cell.key))}: {escape_text(cell.verdict)}"]
    facts = [f"reason: {cell.reason}", *(describe_duel(cell.duel) if cell.duel is not None else [])]
    blocks.append("\n".join(f"- {escape_text(fact)}" for fact in facts))
    failed = list_failed_checks(cell)
    if failed:
        blocks.append(format_table(_CHECK_HEADS, [make_check_row(check) for check in failed], (0, 4)))
    for kind in PART_KINDS:
        parts, left_out = list_parts(cell, kind)
        if parts:
            heads = (f"Time by {kind}", "Base, ms", "Head, ms", "Change, ms")
            blocks.append(format_table(heads, [make_part_row(part) for part in parts], (0,)))
        if left_out:
            blocks.append(f"And {left_out} more.")
    if cell.operator_changes:
        rows = [make_operator_row(change) for change in cell.operator_changes[:ROW_LIMIT]]
        blocks.append(format_table(("Operators in the file", "Base", "Head", "Change"), rows, (0,)))
    return "\n\n".join(blocks)


def _format_other_checks(cells: Sequence[CellVerdict]) -> list[str]:
    rows = [
        (name_cell(cell.key), *make_check_row(check))
        for cell in cells
        for check in sorted(list_other_checks(cell), key=lambda check: check.base == check.head)
    ]
    if not rows:
        return []
    table = format_table(("Of", *_CHECK_HEADS), rows[:ROW_LIMIT], (0, 1, 5))
    more = f"\n\nAnd {len(rows) - ROW_LIMIT} more." if rows[ROW_LIMIT:] else ""
    count = "1 check" if len(rows) == 1 else f"{len(rows)} checks"
    return [format_fold(f"{count} within the limits, or for information", table + more)]


def _format_machine(report: GateReport) -> str:
    lines = "\n".join(f"- {name}: {escape_text(value)}" for name, value in describe_machine(report))
    tools = list_tools(report)
    if not tools:
        return lines
    return f"{lines}\n\n{format_table(('Tool', 'Base', 'Head'), tools, (0, 1, 2))}"
