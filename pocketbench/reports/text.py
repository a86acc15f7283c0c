"""The latencies of a table as plain text in columns, for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pocketbench.core.units import format_ms, format_percent, format_ratio, format_signed_ms, make_printable
from pocketbench.reports.labels import describe_runtimes, format_sample_count, name_latency
from pocketbench.reports.records import Cell, Latency, Overhead, Table


def format_latencies(table: Table) -> str:
    """A block of columns for each runtime; under them the notes they refer to, and what holds for every latency."""
    numbers: dict[int, int] = {}
    blocks = []
    for place, name in enumerate(describe_runtimes(table.runtimes)):
        cells = [
            (row.label if row.group is None else f"{row.group} {row.label}", row.cells[place])
            for row in table.rows
            if row.files[table.file_kinds.index(table.runtimes[place].file_kind)].file_name is not None
        ]
        for _, cell in cells:
            for note in cell.notes:
                numbers.setdefault(note, len(numbers) + 1)
        blocks.append(f"{name}\n{_format_columns(cells, numbers)}")
    if numbers:
        blocks.append("\n".join(f"[{number}] {table.notes[note]}" for note, number in numbers.items()))
    if table.remarks:
        blocks.append("\n".join(f"every latency: {remark}" for remark in table.remarks))
    return make_printable("\n\n".join(blocks) + "\n") if blocks else ""


def _format_columns(cells: Sequence[tuple[str, Cell]], numbers: dict[int, int]) -> str:
    figure = name_latency(cell.wall for _, cell in cells)
    heads = ["model"] + [head.replace("median", figure) for head, _ in COLUMNS]
    rows = [
        [name, *(form(cell) for _, form in COLUMNS), "".join(f"[{numbers[note]}]" for note in cell.notes)]
        for name, cell in cells
    ]
    filled = [
        index for index in range(len(heads) + 1) if index == 0 or any(row[index] for row in rows)
    ]  # without variants of one network there are no overheads
    lines = [[line[index] for index in filled] for line in ([*heads, "notes"], *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(_join(line, widths) for line in lines)


def _join(texts: Sequence[str], widths: Sequence[int]) -> str:
    name, *figures = (
        text.ljust(width) if index == 0 or text == "notes" or text.startswith("[") else text.rjust(width)
        for index, (text, width) in enumerate(zip(texts, widths, strict=True))
    )
    return "  ".join([name, *figures]).rstrip()


def _of_wall(form: Callable[[Latency], str]) -> Callable[[Cell], str]:
    return lambda cell: "" if cell.wall is None else form(cell.wall)


def _of_overhead(form: Callable[[Overhead], str]) -> Callable[[Cell], str]:
    return lambda cell: "" if cell.wall_overhead is None else form(cell.wall_overhead)


def _ms(ns: float) -> str:
    return format_ms(ns, unit=False)


COLUMNS: tuple[tuple[str, Callable[[Cell], str]], ...] = (
    ("median ms", _of_wall(lambda wall: _ms(wall.median_ns))),
    (
        "95 % interval",
        _of_wall(
            lambda wall: (
                "" if wall.low_ns is None or wall.high_ns is None else f"{_ms(wall.low_ns)}-{_ms(wall.high_ns)}"
            )
        ),
    ),
    ("p90", _of_wall(lambda wall: "" if wall.p90_ns is None else _ms(wall.p90_ns))),
    ("spread", _of_wall(lambda wall: "" if wall.spread_ratio is None else format_percent(wall.spread_ratio))),
    ("n", _of_wall(format_sample_count)),
    ("cpu ms", lambda cell: "" if cell.cpu is None else _ms(cell.cpu.median_ns)),
    ("overhead ms", _of_overhead(lambda cost: format_signed_ms(cost.difference_ns, unit=False))),
    ("ratio", _of_overhead(lambda cost: format_ratio(cost.ratio))),
)
"""Head -> the text of a cell, "" where there is no figure. Unit: ms by wall clock, where not said otherwise."""
