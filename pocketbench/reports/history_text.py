"""The history of cells as plain text in columns, for a terminal; and its sentences, which the page shares."""

from __future__ import annotations

from collections.abc import Sequence

from pocketbench.core.units import format_change, format_ms, make_printable
from pocketbench.reports.history_changes import LEAST_COUNT
from pocketbench.reports.history_records import CellHistory, History, HistoryPoint, LevelChange
from pocketbench.reports.labels import count_things, describe_runtimes

HINT = (
    "A change point in stored numbers is a hint: the machine may have changed as well. "
    "pocketbench gate times two commits side by side, and decides."
)
CLOCKS = {"thread": "CPU time of the calling thread", "wall": "wall clock"}
SUBJECT_WIDTH = 60
HEADS = ("commit", "measured", "ms", "95 % interval", "sessions", "change", "", "")
IS_RIGHT = (False, False, True, True, True, True, False, False)


def format_history(history: History) -> str:
    """A block for each cell: a line a commit, and what was found in them."""
    blocks = [
        "\n".join([f"{title}: {CLOCKS[cell.clock]}", *_format_columns(cell), *describe_findings(cell)])
        for title, cell in zip(name_cells(history.cells), history.cells, strict=True)
    ]
    return make_printable("\n\n".join([*blocks, f"{describe_order(history)}\n{HINT}"]) + "\n")


def name_cells(cells: Sequence[CellHistory]) -> list[str]:
    """A name for each cell, unique among them: "mobilenet_v2_1.0_224 on litert, 1 thread, tflite fp32"."""
    runtimes = list(dict.fromkeys(cell.runtime for cell in cells))
    names = dict(zip(runtimes, describe_runtimes(runtimes), strict=True))
    return [f"{cell.model} on {names[cell.runtime]}" for cell in cells]


def describe_findings(cell: CellHistory) -> list[str]:
    """The change points as sentences, or why none is marked."""
    count = count_things(len(cell.points), "commit")
    if not cell.has_enough_points:
        return [f"{count}: change points are looked for from {LEAST_COUNT} on."]
    if not cell.changes:
        return [f"No change point in {count}."]
    return [describe_change(cell, change) for change in cell.changes]


def describe_change(cell: CellHistory, change: LevelChange) -> str:
    remarks = f" Mind that {'; '.join(change.remarks)}." if change.remarks else ""
    label = cell.points[change.index].label
    return f"Change point at {label}: {describe_size(change)}.{remarks}"


def describe_size(change: LevelChange) -> str:
    """ "+5.2 %, 5.44 ms -> 5.72 ms"."""
    return f"{format_change(change.ratio)}, {format_ms(change.before_ns)} -> {format_ms(change.after_ns)}"


def describe_order(history: History) -> str:
    return {
        "git": "Commits are in the order of git; those it does not know, by time.",
        "time": "Commits are in the order of their first measurement.",
    }[history.order]


def describe_interval(point: HistoryPoint) -> str:
    """In ms; "" for one session, which has none."""
    if point.low_ns is None or point.high_ns is None:
        return ""
    return f"{format_ms(point.low_ns, unit=False)}-{format_ms(point.high_ns, unit=False)}"


def _format_columns(cell: CellHistory) -> list[str]:
    marks = {change.index: change for change in cell.changes}
    rows = [HEADS, *(_format_point(point, marks.get(index)) for index, point in enumerate(cell.points))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            text.rjust(width) if right else text.ljust(width)
            for text, width, right in zip(row, widths, IS_RIGHT, strict=True)
            if width  # without git there are no subjects, and a steady cell has no marks
        ).rstrip()
        for row in rows
    ]


def _format_point(point: HistoryPoint, change: LevelChange | None) -> tuple[str, ...]:
    subject = point.subject or ""
    if len(subject) > SUBJECT_WIDTH:
        subject = subject[: SUBJECT_WIDTH - 3] + "..."
    return (
        point.label,
        point.measured_at[:10],
        format_ms(point.value_ns, unit=False),
        describe_interval(point),
        str(point.session_count),
        "" if point.change_ratio is None else format_change(point.change_ratio),
        "" if change is None else f"<- {format_change(change.ratio)}",
        subject,
    )
