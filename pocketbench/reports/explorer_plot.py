"""The plot of all results: its data, one point a line, and its chart. What is drawn follows the filters of the page:
plot.js chooses the points and the range, finds the Pareto front among them and gives colours and names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from pocketbench.core.records import Accuracy
from pocketbench.reports.chart import POINTS, make_config
from pocketbench.reports.labels import name_latency
from pocketbench.reports.lines import FlatLine

HEIGHT = 420
_NS_PER_MS = 1e6


def make_points(lines: Sequence[FlatLine]) -> dict[str, Any]:
    """`axes`, what the vertical axis can show, best first; and `points`: for each line with a latency its median in ms
    and, by axis, its value in percent or millions, each with the bounds of its interval or None. `where` is its place
    in `places`: the network and the runtime in words.

    An axis that fewer than two lines have a value for is left out.
    """
    published = _find_published_dataset(lines)
    points: list[dict[str, Any]] = []
    places: dict[str, int] = {}
    for index, line in enumerate(lines):
        wall = line.latency
        if wall is None:
            continue
        points.append(
            {
                "line": index,
                "where": places.setdefault(f"{line.network}, {line.runtime_name}", len(places)),
                "x": [_to_ms(ns) for ns in (wall.median_ns, wall.low_ns, wall.high_ns)],
                "y": _list_values(line, published),
            }
        )
    counts = Counter(key for point in points for key in point["y"])
    axes = [axis for axis in _list_axes(lines, published) if counts[axis["key"]] >= 2]
    return {"axes": axes, "places": list(places), "points": points}


def _list_axes(lines: Sequence[FlatLine], published: tuple[str, str] | None) -> list[dict[str, Any]]:
    judged = next((line.file.top1.accuracy for line in lines if line.file.top1 is not None), None)
    measured = f"{judged.dataset} {judged.split} top-1, %" if judged is not None else ""
    printed = f"{' '.join(published)} top-1, published, %" if published is not None else ""
    return [
        {"key": "measured", "name": "top-1 measured", "title": measured, "merit": True},
        {"key": "published", "name": "top-1 published", "title": printed, "merit": True},
        {"key": "parameters", "name": "parameters", "title": "parameters, M", "merit": False},
        {"key": "size", "name": "file size", "title": "file size, MB", "merit": False},
    ]


def _list_values(line: FlatLine, published: tuple[str, str] | None) -> dict[str, list[float | None]]:
    values: dict[str, list[float | None]] = {}
    top1, printed = line.file.top1, line.row.published
    if top1 is not None:
        bounds = (top1.accuracy.top1_fraction, top1.low_fraction, top1.high_fraction)
        values["measured"] = [_to_percent(fraction) for fraction in bounds]
    if printed is not None and _name_dataset(printed) == published:
        values["published"] = [100 * printed.top1_fraction, None, None]
    if line.parameter_count is not None:
        values["parameters"] = [line.parameter_count / 1e6, None, None]
    if line.size_bytes is not None:
        values["size"] = [line.size_bytes / 1e6, None, None]
    return values


def _find_published_dataset(lines: Sequence[FlatLine]) -> tuple[str, str] | None:
    """Figures of one data set share an axis: that of most lines."""
    counts = Counter(_name_dataset(line.row.published) for line in lines if line.row.published is not None)
    return max(counts, key=lambda key: counts[key]) if counts else None


def _name_dataset(accuracy: Accuracy) -> tuple[str, str]:
    return accuracy.dataset, accuracy.split


def _to_ms(ns: float | None) -> float | None:
    return None if ns is None else ns / _NS_PER_MS


def _to_percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction


def make_explorer_chart(lines: Sequence[FlatLine]) -> dict[str, Any]:
    """The Vega-Lite specification: empty data with the names that plot.js fills, and ranges as parameters."""
    import altair as alt

    def scale(name: str) -> alt.Scale:
        return alt.Scale(domain=[0, 1], domainRaw=alt.ExprRef(name), nice=False, zero=False)

    x_title = f"{name_latency(line.latency for line in lines)} latency, ms"
    x = alt.X("x:Q", title=x_title, scale=scale("x_domain"))
    y = alt.Y("y:Q", title=None, scale=scale("y_domain"))
    color = alt.Color("color:N", scale=None)
    bar = {"strokeWidth": 1.5, "opacity": 0.55, "clip": True, "cursor": "pointer"}
    base = alt.Chart(alt.Data(values=[], name=POINTS))
    layers = [
        alt.Chart(alt.Data(values=[], name="front"))
        .mark_line(interpolate="step-after", color="var(--muted)", strokeDash=[3, 3], strokeWidth=1.25, clip=True)
        .encode(x=x, y=y, detail="device:N"),
        base.transform_filter("datum.left != null")
        .mark_rule(**bar)
        .encode(x=alt.X("left:Q", title=x_title), x2="right:Q", y=y, color=color),
        base.transform_filter("datum.bottom != null")
        .mark_rule(**bar)
        .encode(x=x, y=alt.Y("bottom:Q", title=None), y2="top:Q", color=color),
        base.mark_point(size=90, strokeWidth=2, filled=False, opacity=1, cursor="pointer").encode(
            x=x,
            y=y,
            color=color,
            shape=alt.Shape("shape:N", scale=None),
            fill=alt.Fill("fill:N", scale=None),
            tooltip=[
                alt.Tooltip("name:N", title="model"),
                alt.Tooltip("where:N", title="on"),
                alt.Tooltip("latency:N", title="latency"),
                alt.Tooltip("value:N", title="value"),
                alt.Tooltip("more:N", title=" "),
            ],
        ),
    ]
    for align in ("left", "center", "right"):
        names = base.transform_filter(f"datum.align == '{align}'").encode(x=x, y=y, text="label:N")
        place = {"align": align, "baseline": "middle", "dx": alt.ExprRef("datum.dx"), "dy": alt.ExprRef("datum.dy")}
        layers.append(names.mark_text(**place, fontSize=12, stroke="var(--surface)", strokeWidth=4))
        layers.append(names.mark_text(**place, fontSize=12, color="var(--ink)", cursor="pointer"))
    chart = (
        alt.layer(*layers)
        .add_params(alt.param(name="x_domain", value=[0, 1]), alt.param(name="y_domain", value=[0, 1]))
        .properties(width="container", height=HEIGHT)
        .configure(**make_config())
    )
    specification: dict[str, Any] = chart.to_dict()
    return specification
