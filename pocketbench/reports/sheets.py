"""The table as sheets of text, for people: Markdown and HTML print the same entries."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pocketbench.core.records import DelegateCoverage
from pocketbench.core.units import (
    format_bytes,
    format_count,
    format_error,
    format_ms,
    format_percent,
    format_ratio,
    format_share,
    format_signed_ms,
)
from pocketbench.reports.labels import (
    describe_file_kind,
    describe_runtimes,
    format_sample_count,
    join_words,
    name_latency,
)
from pocketbench.reports.lines import FOREIGN_GROUP
from pocketbench.reports.records import Cell, FileCell, FileKind, Latency, Overhead, Row, Seeds, Table, TopOne

EMPTY = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A figure as text, `EMPTY` when there is none, with its notes. `detail` is its interval, where there is room."""

    text: str
    detail: str = ""
    notes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column's head. Neighbours of one `group` stand under one head. `is_text` aligns to the left."""

    head: str
    group: str = ""
    is_text: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of a sheet: the network, what was added to it, and an entry a column."""

    group: str
    label: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table of text. `corner` is the head of its lines' labels, `anchor` its address on a page, "" for none."""

    title: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    corner: str = "Model"
    anchor: str = ""


def make_overview(table: Table) -> Sheet:
    """The table of the report: a line a model, with what it weighs, costs and achieves."""
    has_measured = any(row.measured is not None for row in table.rows)
    has_seeds = any(row.seeds is not None for row in table.rows)
    has_published = not has_measured or any(row.published is not None for row in table.rows)
    columns = [Column(head="Parameters"), Column(head="M-Adds")]
    columns += [Column(head="measured", group="Top-1")] if has_measured else []
    columns += [Column(head="mean of seeds", group="Top-1")] if has_seeds else []
    columns += [Column(head="published", group="Top-1")] if has_published else []
    for place, name in enumerate(describe_runtimes(table.runtimes)):
        figure = name_latency(row.cells[place].wall for row in table.rows)
        columns += [Column(head=f"{figure}, ms", group=name), Column(head="overhead, ms", group=name)]
    columns += [Column(head=describe_file_kind(kind), group="File size") for kind in table.file_kinds]
    lines = []
    for row in table.rows:
        entries = [
            Entry(text=_optional(format_count, row.parameter_count), notes=row.notes),
            Entry(text=_optional(format_count, row.mac_count)),
        ]
        entries += [
            Entry(text=_top1(row.measured), detail=_top1_range(row.measured), notes=row.measured_notes)
        ] * has_measured
        entries += [_enter_seeds(row.seeds)] * has_seeds
        entries += [_enter_published(row)] * has_published
        for cell in row.cells:
            entries += [_enter_median(cell), _enter_overhead(cell)]
        entries += [Entry(text=_optional(format_bytes, file.size_bytes), notes=file.notes) for file in row.files]
        lines.append(_make_line(row, entries))
    return Sheet(title="Overview", columns=tuple(columns), lines=tuple(lines))


def make_runtime_sheets(table: Table) -> list[Sheet]:
    """A sheet a runtime, with the rows that have a file for it."""
    sheets = []
    for place, name in enumerate(describe_runtimes(table.runtimes)):
        kind = table.file_kinds.index(table.runtimes[place].file_kind)
        rows = [row for row in table.rows if row.files[kind].file_name is not None]
        clocks = sorted({clock for row in rows if (clock := row.cells[place].cpu_clock) is not None})
        wall, cpu, overhead = "Latency, ms", f"CPU time ({'/'.join(clocks)}), ms", "Overhead over the baseline"
        columns = [
            Column(head=name_latency(row.cells[place].wall for row in rows), group=wall),
            Column(head="95 % interval", group=wall),
            Column(head="p90", group=wall),
            Column(head="spread", group=wall),
            Column(head="n", group=wall),
            Column(head="sessions", group=wall),
        ]
        columns += [
            Column(head="ms", group=overhead),
            Column(head="95 % interval, ms", group=overhead),
            Column(head="ratio", group=overhead),
            Column(head="95 % interval", group=overhead),
        ]
        if clocks:
            columns += [Column(head="median", group=cpu), Column(head="overhead", group=cpu)]
        coverages = [row.cells[place].coverage for row in rows]
        is_taken_whole = all(item is None or item.delegated_node_count == item.node_count for item in coverages)
        delegate_columns = [] if is_taken_whole else make_coverage_columns(coverages)
        columns += delegate_columns
        lines = []
        for row in rows:
            cell = row.cells[place]
            entries = [Entry(text=_median(cell.wall), notes=cell.notes), *_enter_wall(cell.wall)]
            entries += _enter_overhead_details(cell)
            if clocks:
                entries += [Entry(text=_median(cell.cpu)), Entry(text=_difference(cell.cpu_overhead))]
            entries += enter_coverage(cell.coverage)[: len(delegate_columns)]
            lines.append(_make_line(row, entries))
        sheets.append(Sheet(title=name, columns=tuple(columns), lines=tuple(lines)))
    return sheets


def make_file_sheet(table: Table) -> Sheet:
    """A line a file: its size, how it was checked, and what tells a slow graph."""
    columns = [
        Column(head="File", is_text=True),
        Column(head="Kind", is_text=True),
        Column(head="Size"),
        Column(head="Parity error"),
        Column(head="Layout operators"),
        Column(head="Outside the delegate"),
        Column(head="SHA-256", is_text=True),
    ]
    if any(file.top1 is not None for row in table.rows for file in row.files):
        columns += [
            Column(head="measured", group="Top-1"),
            Column(head="95 % interval", group="Top-1"),
            Column(head="pictures", group="Top-1"),
        ]
    lines = [
        _make_line(row, _enter_file(kind, file)[: len(columns)])
        for row in table.rows
        for kind, file in zip(table.file_kinds, row.files, strict=True)
        if file.file_name is not None
    ]
    return Sheet(title="Files", columns=tuple(columns), lines=tuple(lines))


def _make_line(row: Row, entries: list[Entry]) -> Line:
    return Line(
        group=row.group if row.group is not None else FOREIGN_GROUP,
        label=row.label,
        entries=tuple(entries),
    )


def _optional(form: Callable[[float], str], value: float | None) -> str:
    return EMPTY if value is None else form(value)


def _top1(top1: TopOne | None) -> str:
    return EMPTY if top1 is None else format_percent(top1.accuracy.top1_fraction)


def _top1_range(top1: TopOne | None) -> str:
    interval = EMPTY if top1 is None else _range(format_percent, top1.low_fraction, top1.high_fraction)
    return "" if interval == EMPTY else interval


def _enter_seeds(seeds: Seeds | None) -> Entry:
    if seeds is None:
        return Entry(text=EMPTY)
    interval = _range(format_percent, seeds.low_fraction, seeds.high_fraction)
    count = len(seeds.fractions)
    return Entry(text=f"{format_percent(seeds.mean_fraction)} ({count})", detail="" if interval == EMPTY else interval)


def _enter_published(row: Row) -> Entry:
    text = EMPTY if row.published is None else format_percent(row.published.top1_fraction)
    return Entry(text=text, notes=row.published_notes)


def _median(latency: Latency | None) -> str:
    return EMPTY if latency is None else format_ms(latency.median_ns, unit=False)


def _difference(overhead: Overhead | None) -> str:
    return EMPTY if overhead is None else format_signed_ms(overhead.difference_ns, unit=False)


def _range(form: Callable[[float], str], low: float | None, high: float | None) -> str:
    return EMPTY if low is None or high is None else f"{form(low)} to {form(high)}"


def _plain_ms(ns: float) -> str:
    return format_ms(ns, unit=False)


def _signed_ms(ns: float) -> str:
    return format_signed_ms(ns, unit=False)


def _enter_median(cell: Cell) -> Entry:
    wall = cell.wall
    interval = _range(_plain_ms, wall.low_ns, wall.high_ns) if wall is not None and wall.low_ns is not None else ""
    return Entry(text=_median(wall), detail=interval, notes=cell.notes)


def _enter_overhead(cell: Cell) -> Entry:
    overhead = cell.wall_overhead
    if overhead is None:
        return Entry(text=EMPTY, notes=cell.overhead_notes)
    if overhead.round_count == 0:
        return Entry(text="0")
    interval = _range(_signed_ms, overhead.difference_low_ns, overhead.difference_high_ns)
    text = f"{_difference(overhead)} ({format_ratio(overhead.ratio)})"
    return Entry(text=text, detail="" if interval == EMPTY else interval, notes=cell.overhead_notes)


def _enter_wall(wall: Latency | None) -> list[Entry]:
    if wall is None:
        return [Entry(text=EMPTY) for _ in range(5)]
    return [
        Entry(text=_range(_plain_ms, wall.low_ns, wall.high_ns)),
        Entry(text=_optional(_plain_ms, wall.p90_ns)),
        Entry(text=_optional(format_percent, wall.spread_ratio)),
        Entry(text=format_sample_count(wall)),
        Entry(text=str(wall.session_count)),
    ]


def _enter_overhead_details(cell: Cell) -> list[Entry]:
    overhead = cell.wall_overhead
    if overhead is None:
        return [Entry(text=EMPTY, notes=cell.overhead_notes), *(Entry(text=EMPTY) for _ in range(3))]
    if overhead.round_count == 0:
        return [Entry(text="0"), Entry(text=""), Entry(text=format_ratio(overhead.ratio)), Entry(text="")]
    return [
        Entry(text=_difference(overhead), notes=cell.overhead_notes),
        Entry(text=_range(_signed_ms, overhead.difference_low_ns, overhead.difference_high_ns)),
        Entry(text=format_ratio(overhead.ratio)),
        Entry(text=_range(format_ratio, overhead.ratio_low, overhead.ratio_high)),
    ]


def make_coverage_columns(coverages: Iterable[DelegateCoverage | None]) -> list[Column]:
    """For what `enter_coverage` enters; none where no cell has it, and no share of the time where none is known."""
    known = [coverage for coverage in coverages if coverage is not None]
    group = f"Taken by {join_words(sorted({coverage.delegate for coverage in known}))}"
    heads = ["nodes", "time"] if any(coverage.time_fraction is not None for coverage in known) else ["nodes"]
    return [Column(head=head, group=group) for head in heads] if known else []


def enter_coverage(coverage: DelegateCoverage | None) -> list[Entry]:
    """How many nodes a delegate took, and their share of the time."""
    if coverage is None:
        return [Entry(text=EMPTY), Entry(text=EMPTY)]
    nodes = f"{coverage.delegated_node_count} of {coverage.node_count}"
    if coverage.partition_count is not None and coverage.partition_count > 1:
        nodes += f" in {coverage.partition_count} parts"
    return [Entry(text=nodes), Entry(text=_optional(format_share, coverage.time_fraction))]


def _enter_file(kind: FileKind, file: FileCell) -> list[Entry]:
    counts = (file.layout_operator_count, file.outside_delegate_count)
    return [
        Entry(text=file.file_name or ""),
        Entry(text=describe_file_kind(kind)),
        Entry(text=_optional(format_bytes, file.size_bytes), notes=file.notes),
        Entry(text="not checked" if file.relative_error is None else format_error(file.relative_error)),
        *(Entry(text=EMPTY if count is None else str(count)) for count in counts),
        Entry(text=(file.sha256 or "")[:12]),
        Entry(text=_top1(file.top1)),
        Entry(text=_top1_range(file.top1) or EMPTY),
        Entry(text=EMPTY if file.top1 is None else _optional(format_count, file.top1.accuracy.image_count)),
    ]
