"""The columns of a table in the layout of papers, each with how it reads its figures off a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pocketbench.core.records import Accuracy
from pocketbench.core.units import format_ms
from pocketbench.reports.labels import describe_runtimes
from pocketbench.reports.paper_records import PaperFigure
from pocketbench.reports.records import Row, Runtime, Table
from pocketbench.reports.sheets import EMPTY, Column

RATIO = "r"
PUBLISHED = "Published"
TOP1 = "Top-1 (%)"
LATENCY = "Latency (ms)"
PARAMETERS = "Param. (M)"
MADDS = "M-Adds (M)"
MILLION = 1_000_000
NS_PER_MS = 1_000_000

Reach = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperColumn:
    """A column. `fill` makes the figure of a row beside that of its baseline (None where there is none); `reach` gives
    the interval by which rows are told apart, where a larger one is better; None for a column without a best."""

    column: Column
    fill: Callable[[Row, Row | None], PaperFigure]
    reach: Callable[[Row], Reach | None] | None = None


def list_columns(table: Table, *, has_ratios: bool, sources: Sequence[str]) -> list[PaperColumn]:
    """What the rows of the table have; published counts and means over seeds only where there are any."""
    columns = [PaperColumn(column=Column(head=RATIO), fill=_fill_ratio)] if has_ratios else []
    columns += [
        PaperColumn(column=Column(head=PARAMETERS), fill=_fill_count(lambda row: row.parameter_count, 2)),
        PaperColumn(column=Column(head=MADDS), fill=_fill_count(lambda row: row.mac_count, 1)),
    ]
    columns += [
        PaperColumn(column=column, fill=_fill_latency(place))
        for place, column in enumerate(_head_latencies(table.runtimes))
    ]
    has_seeds = any(row.seeds is not None for row in table.rows)
    columns.append(
        PaperColumn(
            column=Column(head="measured", group=TOP1) if has_seeds else Column(head=TOP1),
            fill=_fill_top1(_measured),
            reach=lambda row: _reach(_measured(row)),
        )
    )
    if has_seeds:
        mean = Column(head="mean of seeds", group=TOP1)
        columns.append(PaperColumn(column=mean, fill=_fill_top1(_seeds), reach=lambda row: _reach(_seeds(row))))
    return columns + _list_published(table, sources)


def _list_published(table: Table, sources: Sequence[str]) -> list[PaperColumn]:
    published = [row.published for row in table.rows if row.published is not None]
    columns = []
    if any(accuracy.parameter_count is not None for accuracy in published):
        head = Column(head=PARAMETERS, group=PUBLISHED)
        columns.append(PaperColumn(column=head, fill=_fill_printed(lambda accuracy: accuracy.parameter_count)))
    if any(accuracy.mac_count is not None for accuracy in published):
        head = Column(head=MADDS, group=PUBLISHED)
        columns.append(PaperColumn(column=head, fill=_fill_printed(lambda accuracy: accuracy.mac_count)))
    columns.append(PaperColumn(column=Column(head=TOP1, group=PUBLISHED), fill=_fill_published(list(sources))))
    return columns


def _head_latencies(runtimes: Sequence[Runtime]) -> list[Column]:
    """A runtime is called by its engine where that is enough; a remark says the rest."""
    if len(runtimes) == 1:
        return [Column(head=LATENCY)]
    return [Column(head=name, group=LATENCY) for name in name_runtimes(runtimes)]


def name_runtimes(runtimes: Sequence[Runtime]) -> list[str]:
    engines = [f"{runtime.engine} {runtime.delegate or ''}".strip() for runtime in runtimes]
    return engines if len(set(engines)) == len(engines) else describe_runtimes(runtimes)


def _fill_ratio(row: Row, _baseline: Row | None) -> PaperFigure:
    ratio = row.spec.reduction_ratio if row.spec is not None else None
    return PaperFigure(text=EMPTY if ratio is None else str(ratio))


def _fill_count(read: Callable[[Row], int | None], digits: int) -> Callable[[Row, Row | None], PaperFigure]:
    def fill(row: Row, baseline: Row | None) -> PaperFigure:
        count = read(row)
        if count is None:
            return PaperFigure()
        start = read(baseline) if baseline is not None and baseline is not row else None
        change = "" if start is None else _sign((count - start) / MILLION, digits)
        return PaperFigure(text=f"{count / MILLION:.{digits}f}", change=change)

    return fill


def _fill_latency(place: int) -> Callable[[Row, Row | None], PaperFigure]:
    def fill(row: Row, _baseline: Row | None) -> PaperFigure:
        cell = row.cells[place]
        if cell.wall is None:
            return PaperFigure()
        low, high, cost = cell.wall.low_ns, cell.wall.high_ns, cell.wall_overhead
        text = format_ms(cell.wall.median_ns, unit=False)
        digits = len(text.partition(".")[2])
        return PaperFigure(
            text=text,
            change=_sign(cost.difference_ns / NS_PER_MS, digits) if cost is not None and cost.round_count else "",
            interval=None if low is None or high is None else (format_ms(low, unit=False), format_ms(high, unit=False)),
        )

    return fill


Fraction = tuple[float, float | None, float | None]


def _measured(row: Row) -> Fraction | None:
    top1 = row.measured
    return None if top1 is None else (top1.accuracy.top1_fraction, top1.low_fraction, top1.high_fraction)


def _seeds(row: Row) -> Fraction | None:
    seeds = row.seeds
    return None if seeds is None else (seeds.mean_fraction, seeds.low_fraction, seeds.high_fraction)


def _reach(fraction: Fraction | None) -> Reach | None:
    if fraction is None:
        return None
    _, low, high = fraction
    return None if low is None or high is None else (low, high)


def _fill_top1(read: Callable[[Row], Fraction | None]) -> Callable[[Row, Row | None], PaperFigure]:
    def fill(row: Row, baseline: Row | None) -> PaperFigure:
        own = read(row)
        if own is None:
            return PaperFigure()
        start = read(baseline) if baseline is not None and baseline is not row else None
        reach = _reach(own)
        return PaperFigure(
            text=_percent(own[0]),
            change="" if start is None else _sign(100 * (own[0] - start[0]), 1),
            interval=None if reach is None else (_percent(reach[0]), _percent(reach[1])),
        )

    return fill


def _fill_printed(read: Callable[[Accuracy], int | None]) -> Callable[[Row, Row | None], PaperFigure]:
    def fill(row: Row, _baseline: Row | None) -> PaperFigure:
        count = None if row.published is None else read(row.published)
        # as many digits as were printed, so far as a number keeps them: 3.5 is not 3.50
        return PaperFigure() if count is None else PaperFigure(text=f"{count / MILLION:.10g}")

    return fill


def _fill_published(sources: list[str]) -> Callable[[Row, Row | None], PaperFigure]:
    def fill(row: Row, baseline: Row | None) -> PaperFigure:
        own = row.published
        if own is None:
            return PaperFigure()
        start = baseline.published if baseline is not None and baseline is not row else None
        return PaperFigure(
            text=f"{100 * own.top1_fraction:.2f}".removesuffix("0"),  # 74.02 and 74.0: as they were printed
            change=""
            if start is None or start.source != own.source
            else _sign(100 * (own.top1_fraction - start.top1_fraction), 1),
            source=sources.index(own.source),
        )

    return fill


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.1f}"


def _sign(value: float, digits: int) -> str:
    """A difference with its sign; "±0" for one that does not show."""
    text = f"{value:+.{digits}f}"
    return "±0" if float(text) == 0 else text
