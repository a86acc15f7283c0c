"""What the scatter plots show, a figure a runtime: latency against top-1, or parameters where no top-1 is known.

The top-1 is what was measured of the very files that ran, where two of them have one; else what is published.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pocketbench.reports.labels import describe_runtimes, join_words, name_latency
from pocketbench.reports.lines import make_lines
from pocketbench.reports.pareto import find_pareto_front
from pocketbench.reports.records import Row, Table, TopOne

_NS_PER_MS = 1e6


class Spread(Protocol):
    """A latency and its interval. Unit: ms; None when there is no interval."""

    @property
    def median_ms(self) -> float: ...
    @property
    def low_ms(self) -> float | None: ...
    @property
    def high_ms(self) -> float | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A model in a figure. Unit: ms; `low_ms` and `high_ms` are None when there is no interval; `value` is in percent
    or millions, `value_low` and `value_high` bound its interval. `row` is its place in `Table.rows`, `line` that of its
    file and runtime in `make_lines`."""

    row: int
    line: int
    group: str
    label: str
    median_ms: float
    low_ms: float | None
    high_ms: float | None
    value: float
    value_low: float | None = None
    value_high: float | None = None
    is_on_front: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A scatter plot. `has_front` is False when the value is no merit (parameters). `caption` says what is left out.
    `latency_title` says what a latency in it is: "median latency", "latency (median of means)"."""

    title: str
    latency_title: str
    value_title: str
    has_front: bool
    points: tuple[Point, ...]
    caption: str


def make_figures(table: Table) -> list[Figure]:
    """A figure for each runtime on which at least two models have a latency and a value to set against it."""
    figures = []
    lines = {(line.row_index, line.place): index for index, line in enumerate(make_lines(table))}
    for place, name in enumerate(describe_runtimes(table.runtimes)):
        measured = {index: row for index, row in enumerate(table.rows) if row.cells[place].wall is not None}
        kind = table.file_kinds.index(table.runtimes[place].file_kind)
        axis = _choose_axis(list(measured.values()), kind)
        drawn = [(index, value) for index, row in measured.items() if (value := axis.read(row)) is not None]
        if len(drawn) < 2:
            continue
        has_front = axis.is_merit
        costs = [(_find_median_ms(table.rows[index], place), value.value) for index, value in drawn]
        front = set(find_pareto_front(costs)) if has_front else set()
        points = tuple(
            _make_point(table.rows[index], index, lines[index, place], place, value, order in front)
            for order, (index, value) in enumerate(drawn)
        )
        parts = [axis.remark]
        latency_name = name_latency(table.rows[index].cells[place].wall for index, _ in drawn)
        bars = [f"the {latency_name}"] if any(point.low_ms is not None for point in points) else []
        bars += ["the top-1 over pictures"] if any(point.value_low is not None for point in points) else []
        if bars:
            parts.append(f"Bars are the 95 % intervals of {join_words(bars)}.")
        if _has_cut_bars(points):
            parts.append("A bar that reaches the edge goes on beyond it; the table has its ends.")
        left_out = [row for row in measured.values() if axis.read(row) is None]
        if left_out:
            names = join_words(f"{row.group or ''} {row.label}".strip() for row in left_out)
            parts.append(f"Not drawn for want of a {axis.what}: {names}.")
        figures.append(
            Figure(
                title=name,
                latency_title=_title_latency(latency_name),
                value_title=axis.title,
                has_front=has_front,
                points=points,
                caption=" ".join(parts),
            )
        )
    return figures


def _title_latency(name: str) -> str:
    return f"latency ({name})" if " " in name else f"{name} latency"


def find_latency_range(points: Sequence[Spread]) -> tuple[float, float]:
    """What the latency axis must show: every median, and the intervals as far as they don't crush the medians.

    Unit: ms. Two sessions that differ a little give an interval many times as long as all models are apart.
    """
    return _find_range(
        [point.median_ms for point in points], [point.low_ms for point in points], [point.high_ms for point in points]
    )


def find_value_range(points: Sequence[Point]) -> tuple[float, float]:
    """What the axis of values must show, by the same rule. A few pictures give a long interval too."""
    return _find_range(
        [point.value for point in points],
        [point.value_low for point in points],
        [point.value_high for point in points],
    )


def _find_range(
    middles: Sequence[float], lows: Sequence[float | None], highs: Sequence[float | None]
) -> tuple[float, float]:
    low, high = min(middles), max(middles)
    reach = max(high - low, 0.1 * high)
    least, most = [value for value in lows if value is not None], [value for value in highs if value is not None]
    return max(min([low, *least]), low - reach), min(max([high, *most]), high + reach)


def _has_cut_bars(points: Sequence[Point]) -> bool:
    (left, right), (bottom, top) = find_latency_range(points), find_value_range(points)
    return any(
        (point.low_ms is not None and point.low_ms < left)
        or (point.high_ms is not None and point.high_ms > right)
        or (point.value_low is not None and point.value_low < bottom)
        or (point.value_high is not None and point.value_high > top)
        for point in points
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Value:
    """What stands on the axis of values for a row, in its unit."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    """What the values of a figure are: `what` names one of them."""

    title: str
    what: str
    is_merit: bool
    remark: str
    read: Callable[[Row], _Value | None]


_BETTER = "Up and to the left is better. Filled points are on the Pareto front: no other is faster and as good."


def _choose_axis(rows: Sequence[Row], kind: int) -> _Axis:
    """Measured top-1 of the files of a kind, published top-1 of the data set that most rows have, or parameters."""
    measured = [top1.accuracy for row in rows if (top1 := row.files[kind].top1) is not None]
    if len(measured) >= 2:
        title = f"{measured[0].dataset} {measured[0].split} top-1, %"
        what = f"measured top-1 on {measured[0].dataset}"
        return _Axis(
            title=title, what=what, is_merit=True, remark=_BETTER, read=lambda row: _read_measured(row.files[kind].top1)
        )
    published = Counter((row.published.dataset, row.published.split) for row in rows if row.published is not None)
    if published:
        dataset = max(published, key=lambda key: published[key])
        return _Axis(
            title=f"{dataset[0]} {dataset[1]} top-1, published, %",
            what=f"published top-1 on {dataset[0]}",
            is_merit=True,
            remark=_BETTER,
            read=lambda row: _read_published(row, dataset),
        )
    return _Axis(
        title="parameters, M",
        what="parameter count",
        is_merit=False,
        remark="No top-1 is known for these models: latency against parameters.",
        read=lambda row: None if row.parameter_count is None else _Value(value=row.parameter_count / 1e6),
    )


def _read_measured(top1: TopOne | None) -> _Value | None:
    if top1 is None:
        return None
    low, high = top1.low_fraction, top1.high_fraction
    return _Value(
        value=100 * top1.accuracy.top1_fraction,
        low=None if low is None else 100 * low,
        high=None if high is None else 100 * high,
    )


def _read_published(row: Row, dataset: tuple[str, str]) -> _Value | None:
    accuracy = row.published
    if accuracy is None or (accuracy.dataset, accuracy.split) != dataset:
        return None
    return _Value(value=100 * accuracy.top1_fraction)


def _find_median_ms(row: Row, place: int) -> float:
    wall = row.cells[place].wall
    assert wall is not None
    return wall.median_ns / _NS_PER_MS


def _make_point(row: Row, index: int, line: int, place: int, value: _Value, is_on_front: bool) -> Point:
    wall = row.cells[place].wall
    assert wall is not None
    return Point(
        row=index,
        line=line,
        group=row.group if row.group is not None else row.label,
        label=row.label,
        median_ms=wall.median_ns / _NS_PER_MS,
        low_ms=None if wall.low_ns is None else wall.low_ns / _NS_PER_MS,
        high_ms=None if wall.high_ns is None else wall.high_ns / _NS_PER_MS,
        value=value.value,
        value_low=value.low,
        value_high=value.high,
        is_on_front=is_on_front,
    )
