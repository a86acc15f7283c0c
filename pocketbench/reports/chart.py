"""A figure as a Vega-Lite chart. Colours are the page's CSS variables, so that light, dark and print need one chart."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pocketbench.reports.figures import Figure, Point, find_latency_range, find_value_range
from pocketbench.reports.label_places import Mark, place_labels

SERIES_COUNT = 6
HEIGHT = 340
X_DOMAIN, Y_DOMAIN = "\0x", "\0y"  # what stands in a form for the ranges of a figure; no group is named so
POINTS = "points"  # the name of the data, by which the page's filters reach it


def make_chart(figure: Figure) -> dict[str, Any]:
    """The Vega-Lite specification of a figure, as wide as the element it is put into."""
    x_domain = widen(find_latency_range(figure.points), 0.14)
    y_domain = widen(find_value_range(figure.points), 0.12)
    form = _make_form(
        latency_title=figure.latency_title,
        value_title=figure.value_title,
        groups=tuple(dict.fromkeys(point.group for point in figure.points)),
        has_front=figure.has_front,
        has_value_intervals=any(point.value_low is not None for point in figure.points),
    )
    specification: dict[str, Any] = _fill(form, {X_DOMAIN: x_domain, Y_DOMAIN: y_domain})
    specification["data"]["values"] = _make_values(figure, x_domain, y_domain)
    return specification


@functools.cache
def _make_form(
    *, latency_title: str, value_title: str, groups: tuple[str, ...], has_front: bool, has_value_intervals: bool
) -> dict[str, Any]:
    """The specification without its values: that of most figures of a report, and slow to make."""
    import altair as alt

    x = alt.X("median:Q", title=f"{latency_title}, ms", scale=alt.Scale(domain=[X_DOMAIN], nice=False, zero=False))
    y = alt.Y("value:Q", title=value_title, scale=alt.Scale(domain=[Y_DOMAIN], nice=False, zero=False))
    color = alt.Color(
        "group:N",
        scale=alt.Scale(
            domain=list(groups), range=[f"var(--series-{i % SERIES_COUNT + 1})" for i in range(len(groups))]
        ),
        legend=alt.Legend(title=None, orient="bottom", columns=1, labelLimit=300, symbolType="circle", symbolOpacity=1)
        if len(groups) > 1
        else None,
    )
    tooltip = [
        alt.Tooltip("name:N", title="model"),
        alt.Tooltip("median:Q", title=f"{latency_title}, ms", format=".4"),
        alt.Tooltip("interval:N", title="95 % interval, ms"),
        alt.Tooltip("value:Q", title=value_title, format=".2f"),
    ]
    if has_value_intervals:
        tooltip.append(alt.Tooltip("value_interval:N", title="95 % interval, %"))
    layers = []
    base = alt.Chart(alt.Data(values=[], name=POINTS))
    if has_front:
        layers.append(
            base.transform_filter("datum.front")
            .mark_line(interpolate="step-after", color="var(--muted)", strokeDash=[3, 3], strokeWidth=1.25)
            .encode(x=x, y=y)
        )
    layers += [
        base.transform_filter("datum.low != null")
        .mark_rule(strokeWidth=1.5, opacity=0.7, clip=True)
        .encode(x=alt.X("low:Q", title=f"{latency_title}, ms"), x2="high:Q", y=y, color=color),
        base.transform_filter("datum.value_low != null")
        .mark_rule(strokeWidth=1.5, opacity=0.7, clip=True)
        .encode(x=x, y=alt.Y("value_low:Q", title=value_title), y2="value_high:Q", color=color),
        base.mark_point(size=80, strokeWidth=2, filled=False, opacity=1, cursor="pointer").encode(
            x=x,
            y=y,
            color=color,
            fill=alt.condition("datum.front", color, alt.value("var(--surface)")),
            tooltip=tooltip,
        ),
    ]
    for align in ("left", "center", "right"):
        names = base.transform_filter(f"datum.align == '{align}'").encode(x=x, y=y, text="label:N")
        place = {"align": align, "baseline": "middle", "dx": alt.ExprRef("datum.dx"), "dy": alt.ExprRef("datum.dy")}
        # A halo in the colour of the surface, so that lines that cross a name don't make it unreadable.
        layers.append(names.mark_text(**place, fontSize=12, stroke="var(--surface)", strokeWidth=4))
        layers.append(names.mark_text(**place, fontSize=12, color="var(--ink)"))
    chart = alt.layer(*layers).properties(width="container", height=HEIGHT).configure(**make_config())
    specification: dict[str, Any] = chart.to_dict()
    return specification


def _fill(form: Any, domains: Mapping[str, list[float]]) -> Any:
    """A copy of the form in which a list that holds the name of a domain alone is that domain."""
    if isinstance(form, dict):
        return {key: _fill(value, domains) for key, value in form.items()}
    if isinstance(form, list):
        if len(form) == 1 and form[0] in (X_DOMAIN, Y_DOMAIN):
            return list(domains[form[0]])
        return [_fill(value, domains) for value in form]
    return form


def _make_values(figure: Figure, x_domain: list[float], y_domain: list[float]) -> list[dict[str, Any]]:
    labels = _shorten_labels(figure.points)
    width, height = x_domain[1] - x_domain[0], y_domain[1] - y_domain[0]
    marks = [
        Mark(
            x=(point.median_ms - x_domain[0]) / width,
            y=(y_domain[1] - point.value) / height,
            left=((point.median_ms if point.low_ms is None else point.low_ms) - x_domain[0]) / width,
            right=((point.median_ms if point.high_ms is None else point.high_ms) - x_domain[0]) / width,
            top=(y_domain[1] - (point.value if point.value_high is None else point.value_high)) / height,
            bottom=(y_domain[1] - (point.value if point.value_low is None else point.value_low)) / height,
        )
        for point in figure.points
    ]
    values = []
    for point, label, place in zip(figure.points, labels, place_labels(marks, labels), strict=True):
        has_interval = point.low_ms is not None and point.high_ms is not None
        has_values = point.value_low is not None and point.value_high is not None
        values.append(
            {
                "name": point.label if point.group == point.label else f"{point.group} {point.label}",
                "group": point.group,
                "label": label,
                "median": point.median_ms,
                "low": point.low_ms,
                "high": point.high_ms,
                "interval": f"{point.low_ms:.4g} to {point.high_ms:.4g}" if has_interval else "none (one session)",
                "value": point.value,
                "value_low": point.value_low,
                "value_high": point.value_high,
                "value_interval": f"{point.value_low:.2f} to {point.value_high:.2f}" if has_values else "not known",
                "line": point.line,
                "front": point.is_on_front,
                "align": place.align if place is not None else None,
                "dx": place.dx if place is not None else 0,
                "dy": place.dy if place is not None else 0,
            }
        )
    return values


def _shorten_labels(points: Sequence[Point]) -> list[str]:
    """Names as short as they stay unique within a group: colours tell the groups apart, and the legend names them."""
    short = [point.label.removeprefix("+ ").split(" (")[0] for point in points]
    counts = Counter((point.group, label) for point, label in zip(points, short, strict=True))
    labels = [
        label if counts[(point.group, label)] == 1 else point.label.removeprefix("+ ")
        for point, label in zip(points, short, strict=True)
    ]
    return [label if len(label) <= 28 else label[:27] + "…" for label in labels]


def widen(values: Iterable[float], margin: float) -> list[float]:
    """The range of the values with a margin on both sides, a share of its width; never empty."""
    known = list(values)
    low, high = min(known), max(known)
    width = (high - low) or abs(high) * 0.1 or 1.0
    return [low - margin * width, high + margin * width]


def make_config() -> dict[str, Any]:
    """The look of every chart; colours are the variables of page.css."""
    font = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
    return {
        "background": "transparent",
        "font": font,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "padding": {"left": 4, "right": 8, "top": 8, "bottom": 4},
        "view": {"stroke": None},
        "axis": {
            "labelColor": "var(--muted)",
            "titleColor": "var(--muted)",
            "gridColor": "var(--line)",
            "domainColor": "var(--line-strong)",
            "tickColor": "var(--line-strong)",
            "labelFontSize": 11.5,
            "titleFontSize": 12,
            "titleFontWeight": 500,
            "titlePadding": 10,
            "tickCount": 6,
        },
        "legend": {"labelColor": "var(--ink)", "labelFontSize": 12},
    }
