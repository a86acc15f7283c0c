"""The history of a cell as a Vega-Lite chart: its points, their intervals, its levels, and where they change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pocketbench.core.units import format_change
from pocketbench.reports.chart import HEIGHT, make_config, widen
from pocketbench.reports.figures import find_latency_range
from pocketbench.reports.history_records import CellHistory, HistoryPoint
from pocketbench.reports.history_text import describe_interval

_NS_PER_MS = 1e6
_LEAST_PADDING = 0.12
_TICK_COUNT = 14
_SERIES = "var(--series-1)"
_CHANGE = "var(--series-2)"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spread:
    """What `find_latency_range` looks at. Unit: ms."""

    median_ms: float
    low_ms: float | None
    high_ms: float | None


def make_history_layers(cell: CellHistory) -> Any:
    """The chart of a cell, without size and colours of its surroundings."""
    import altair as alt

    labels = [point.label for point in cell.points]
    ticks = labels[:: math.ceil(len(labels) / _TICK_COUNT)]
    x = alt.X(
        "label:N",
        title=None,
        scale=alt.Scale(domain=labels),
        axis=alt.Axis(values=ticks, labelAngle=-45, labelOverlap=False, grid=False, tickCount=len(labels)),
    )
    title = "CPU time, ms" if cell.clock == "thread" else "wall clock, ms"
    scale = alt.Scale(domain=_find_domain(cell.points), nice=False, zero=False)
    y = alt.Y("median:Q", title=title, scale=scale)
    base = alt.Chart(alt.Data(values=_make_values(cell))).encode(x=x)
    changed = base.transform_filter("datum.mark != null")
    tooltip = [
        alt.Tooltip("label:N", title="commit"),
        alt.Tooltip("subject:N", title="subject"),
        alt.Tooltip("committed:N", title="committed"),
        alt.Tooltip("measured:N", title="measured"),
        alt.Tooltip("median:Q", title=title, format=".4"),
        alt.Tooltip("interval:N", title="95 % interval, ms"),
        alt.Tooltip("sessions:Q", title="sessions"),
        alt.Tooltip("change:N", title="against the level before"),
    ]
    return alt.layer(
        changed.mark_rule(color=_CHANGE, strokeDash=[4, 3], strokeWidth=1.25),
        base.mark_line(color="var(--muted)", strokeWidth=1.5, opacity=0.8, clip=True).encode(
            y=alt.Y("level:Q", title=title, scale=scale), detail="segment:N"
        ),
        base.transform_filter("datum.low != null")
        .mark_rule(color=_SERIES, strokeWidth=1.5, opacity=0.6, clip=True)
        .encode(y=alt.Y("low:Q", title=title, scale=scale), y2="high:Q"),
        base.mark_point(size=45, strokeWidth=1.75, filled=False, opacity=1).encode(
            y=y,
            color=alt.condition("datum.mark != null", alt.value(_CHANGE), alt.value(_SERIES)),
            fill=alt.condition("datum.mark != null", alt.value(_CHANGE), alt.value("var(--surface)")),
            tooltip=tooltip,
        ),
        *(
            changed.mark_text(fontSize=12, fontWeight=600, baseline="top", dy=3, **look).encode(
                y=alt.value(0), text="mark:N"
            )
            # a halo in the colour of the surface, so that the line it stands on does not make it unreadable
            for look in ({"stroke": "var(--surface)", "strokeWidth": 5}, {"color": _CHANGE})
        ),
    )


def make_history_chart(cell: CellHistory) -> dict[str, Any]:
    """The Vega-Lite specification, as wide as the element it is put into."""
    layers = make_history_layers(cell)
    chart: dict[str, Any] = layers.properties(width="container", height=HEIGHT).configure(**make_config()).to_dict()
    return chart


def _find_domain(points: Sequence[HistoryPoint]) -> list[float]:
    spreads = [
        _Spread(
            median_ms=point.value_ns / _NS_PER_MS,
            low_ms=None if point.low_ns is None else point.low_ns / _NS_PER_MS,
            high_ms=None if point.high_ns is None else point.high_ns / _NS_PER_MS,
        )
        for point in points
    ]
    return widen(find_latency_range(spreads), _LEAST_PADDING)


def _make_values(cell: CellHistory) -> list[dict[str, Any]]:
    marks = {change.index: format_change(change.ratio) for change in cell.changes}
    values = []
    segment = 0
    for index, point in enumerate(cell.points):
        segment += index in marks
        values.append(
            {
                "label": point.label,
                "subject": point.subject or "not known",
                "committed": "not known" if point.committed_at is None else point.committed_at[:10],
                "measured": point.measured_at[:10],
                "median": point.value_ns / _NS_PER_MS,
                "low": None if point.low_ns is None else point.low_ns / _NS_PER_MS,
                "high": None if point.high_ns is None else point.high_ns / _NS_PER_MS,
                "interval": describe_interval(point) or "none (one session)",
                "sessions": point.session_count,
                "change": "" if point.change_ratio is None else format_change(point.change_ratio),
                "level": point.level_ns / _NS_PER_MS,
                "segment": segment,
                "mark": marks.get(index),
            }
        )
    return values
