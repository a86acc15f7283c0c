"""The figures of head that programs follow over time: a name that stays the same from run to run, and its values."""

from __future__ import annotations

from collections.abc import Iterator

from pocketbench.core.gate_records import CellVerdict, GateReport
from pocketbench.reports.gate.wording import flatten_text, name_cell


def name_series(cell: CellVerdict) -> str:
    return flatten_name(name_cell(cell.key))


def flatten_name(name: str) -> str:
    """Without the characters that would end a code span or a cell of a table, where other programs write names."""
    return flatten_text(name).replace("`", "'").replace("|", "/")


def list_timed(report: GateReport) -> list[CellVerdict]:
    """The cells that have figures, by name: a series must not jump because a verdict changed."""
    return sorted((cell for cell in report.cells if cell.duel is not None), key=lambda cell: name_cell(cell.key))


_COUNT_NAMES = {"same_operators": "operator_count"}
"""That check's values are the numbers of all operators."""


def list_counts(report: GateReport) -> Iterator[tuple[CellVerdict, str, float]]:
    """(cell, name, head's value) of everything that was counted, such as "size_bytes"; ratios are no such thing."""
    for cell in sorted(report.cells, key=lambda cell: name_cell(cell.key)):
        for check in cell.checks:
            if (
                check.head is not None
                and not check.name.endswith("_ratio")
                and not check.name.startswith("absolute_ms")
            ):
                yield cell, _COUNT_NAMES.get(check.name, check.name), check.head
