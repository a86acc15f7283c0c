"""What the scatter plots show, a figure a runtime: latency against top-1, or parameters where no top-1 is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pocketbench.reports.labels import describe_runtimes, join_words, name_latency
from pocketbench.reports.pareto import find_pareto_front
from pocketbench.reports.records import Row, Table

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
    or millions."""

    group: str
    label: str
    median_ms: float
    low_ms: float | None
    high_ms: float | None
    value: float
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
    dataset = _choose_dataset(table.rows)
    figures = []
    for place, name in enumerate(describe_runtimes(table.runtimes)):
        measured = [row for row in table.rows if row.cells[place].wall is not None]
        drawn = [(row, value) for row in measured if (value := _find_value(row, dataset)) is not None]
        if len(drawn) < 2:
            continue
        has_front = dataset is not None
        costs = [(_find_median_ms(row, place), value) for row, value in drawn]
        front = set(find_pareto_front(costs)) if has_front else set()
        points = tuple(_make_point(row, place, value, index in front) for index, (row, value) in enumerate(drawn))
        if dataset is None:
            value_title = "parameters, M"
            parts = ["No top-1 is known for these models: latency against parameters."]
        else:
            value_title = f"{dataset[0]} {dataset[1]} top-1, %"
            parts = [
                "Up and to the left is better. Filled points are on the Pareto front: no other is faster and as good."
            ]
        latency_name = name_latency(row.cells[place].wall for row, _ in drawn)
        if any(point.low_ms is not None for point in points):
            parts.append(f"Bars are the 95 % intervals of the {latency_name}.")
        low, high = find_latency_range(points)
        if any(point.low_ms is not None and point.low_ms < low for point in points) or any(
            point.high_ms is not None and point.high_ms > high for point in points
        ):
            parts.append("A bar that reaches the edge goes on beyond it; the table has its ends.")
        left_out = [row for row in measured if _find_value(row, dataset) is None]
        if left_out:
            what = "parameter count" if dataset is None else f"top-1 on {dataset[0]}"
            names = join_words(f"{row.group or ''} {row.label}".strip() for row in left_out)
            parts.append(f"Not drawn for want of a {what}: {names}.")
        figures.append(
            Figure(
                title=name,
                latency_title=_title_latency(latency_name),
                value_title=value_title,
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
    medians = [point.median_ms for point in points]
    low, high = min(medians), max(medians)
    reach = max(high - low, 0.1 * high)
    lows = [point.low_ms for point in points if point.low_ms is not None]
    highs = [point.high_ms for point in points if point.high_ms is not None]
    return max(min([low, *lows]), low - reach), min(max([high, *highs]), high + reach)


def _choose_dataset(rows: tuple[Row, ...]) -> tuple[str, str] | None:
    """The dataset and split that most rows have a top-1 of: an axis can show one of them."""
    counts = Counter((row.accuracy.dataset, row.accuracy.split) for row in rows if row.accuracy is not None)
    return max(counts, key=lambda key: counts[key]) if counts else None


def _find_value(row: Row, dataset: tuple[str, str] | None) -> float | None:
    if dataset is None:
        return None if row.parameter_count is None else row.parameter_count / 1e6
    accuracy = row.accuracy
    return None if accuracy is None or (accuracy.dataset, accuracy.split) != dataset else 100 * accuracy.top1_fraction


def _find_median_ms(row: Row, place: int) -> float:
    wall = row.cells[place].wall
    assert wall is not None
    return wall.median_ns / _NS_PER_MS


def _make_point(row: Row, place: int, value: float, is_on_front: bool) -> Point:
    wall = row.cells[place].wall
    assert wall is not None
    return Point(
        group=row.group if row.group is not None else row.label,
        label=row.label,
        median_ms=wall.median_ns / _NS_PER_MS,
        low_ms=None if wall.low_ns is None else wall.low_ns / _NS_PER_MS,
        high_ms=None if wall.high_ns is None else wall.high_ns / _NS_PER_MS,
        value=value,
        is_on_front=is_on_front,
    )
