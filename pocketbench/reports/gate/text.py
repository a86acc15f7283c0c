"""The gate's report for a terminal: a line a cell, then what is wrong and where."""

from __future__ import annotations

from collections.abc import Sequence

from pocketbench.core.gate_records import CellVerdict, GateReport
from pocketbench.reports.gate.evidence import (
    PART_KINDS,
    describe_check,
    describe_duel,
    list_failed_checks,
    list_parts,
    make_operator_row,
    make_part_row,
)
from pocketbench.reports.gate.wording import (
    RED_VERDICTS,
    flatten_text,
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


def format_text(report: GateReport) -> str:
    """The headline, a line a cell (worst first), and what is known of each cell that needs a look."""
    base, head = name_sides(report)
    cells = sort_cells(report.cells)
    blocks = [f"{format_headline(report)}\nbase {base}\nhead {head}"]
    if cells:
        blocks.append(_format_cells(cells))
    for cell in cells:
        details = format_evidence(cell)
        if cell.verdict in RED_VERDICTS and details:
            blocks.append("\n".join([f"{cell.verdict}: {name_cell(cell.key)}", *(f"  {line}" for line in details)]))
    return "\n\n".join(blocks) + "\n"


def format_evidence(cell: CellVerdict) -> list[str]:
    """What is known beside the reason, a line each."""
    lines = describe_duel(cell.duel) if cell.duel is not None else []
    lines += [describe_check(check) for check in list_failed_checks(cell)]
    for kind in PART_KINDS:
        parts, left_out = list_parts(cell, kind)
        if parts:
            heads = (f"by {kind}", "base ms", "head ms", "change ms")
            lines += align_columns([heads, *map(make_part_row, parts)], text_columns=(0,))
        if left_out:
            lines.append(f"and {left_out} more")
    if cell.operator_changes:
        rows = [("operators in the file", "base", "head", "change"), *map(make_operator_row, cell.operator_changes)]
        lines += align_columns(rows, text_columns=(0,))
    return lines


def align_columns(rows: Sequence[Sequence[str]], text_columns: Sequence[int]) -> list[str]:
    """Lines of columns as wide as what they hold; figures stand on the right, and empty columns are left out."""
    filled = [index for index in range(len(rows[0])) if any(row[index] for row in rows[1:])]
    widths = {index: max(len(row[index]) for row in rows) for index in filled}
    return [
        "  ".join(
            row[index].ljust(widths[index]) if index in text_columns else row[index].rjust(widths[index])
            for index in filled
        ).rstrip()
        for row in rows
    ]


def _format_cells(cells: Sequence[CellVerdict]) -> str:
    heads = ("verdict", "model", "engine", "ratio", name_interval(cells), "limit", "detects", "reason")
    return "\n".join(align_columns([heads, *map(_make_row, cells)], text_columns=(0, 1, 2, 7)))


def _make_row(cell: CellVerdict) -> tuple[str, ...]:
    duel = cell.duel
    figures = (
        ("", "", "", "")
        if duel is None
        else (
            format_fine_ratio(duel.ratio.value),
            format_interval(duel.ratio),
            format_fine_ratio(duel.threshold),
            format_fine_ratio(duel.detectable_ratio),
        )
    )
    return (cell.verdict, name_file(cell.key), name_engine(cell.key), *figures, flatten_text(cell.reason))
