"""The history of cells as a file: a page, or a picture (SVG, PNG) in the page's light colours."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from pocketbench.core.jsonio import write_bytes
from pocketbench.reports.chart import make_config
from pocketbench.reports.history_chart import make_history_chart, make_history_layers
from pocketbench.reports.history_records import CellHistory, History
from pocketbench.reports.history_text import CLOCKS, HINT, describe_findings, describe_order, name_cells
from pocketbench.reports.labels import count_things
from pocketbench.reports.page import format_header, format_page, format_section
from pocketbench.reports.picture_colours import put_colours

PICTURE_WIDTH = 720
PICTURE_HEIGHT = 260
LEGEND = (
    "Points are the medians of a commit's sessions, bars their 95 % intervals, grey lines the levels. "
    "A filled point with a dashed line is the first commit of a new level."
)


def write_history(history: History, path: Path) -> None:
    """Write the file that the suffix of `path` asks for, whole or not at all.

    Raises:
        FileFault: when it can't be written.
    """
    write_bytes(path, FORMS[path.suffix.lower()](history))


def format_history_page(history: History) -> bytes:
    """The HTML page: a figure for each cell, with what was found under it."""
    cells = list(zip(name_cells(history.cells), history.cells, strict=True))
    count = len({point.commit for cell in history.cells for point in cell.points})
    change_count = sum(len(cell.changes) for cell in history.cells)
    facts = [
        count_things(len(cells), "cell"),
        count_things(count, "commit"),
        count_things(change_count, "change point"),
    ]
    figures = "".join(_format_figure(index, title, cell) for index, (title, cell) in enumerate(cells))
    body = [
        format_header("Latency over commits", facts),
        "<main>",
        f'<aside class="remarks">{escape(HINT)}</aside>',
        format_section("Cells", f'<div class="figures">{figures}</div>'),
        format_section("How to read it", f'<p class="prose">{escape(LEGEND)} {escape(describe_order(history))}</p>'),
        '<noscript><p class="prose">The plots need JavaScript; without --out the command prints it all.</p></noscript>',
        "</main>",
    ]
    return format_page("Latency over commits", body, [make_history_chart(cell) for _, cell in cells]).encode()


def format_history_svg(history: History) -> bytes:
    import vl_convert

    picture: str = vl_convert.vegalite_to_svg(_make_picture(history))
    return picture.encode()


def format_history_png(history: History) -> bytes:
    import vl_convert

    picture: bytes = vl_convert.vegalite_to_png(_make_picture(history), scale=2)
    return picture


FORMS: dict[str, Callable[[History], bytes]] = {
    ".html": format_history_page,
    ".svg": format_history_svg,
    ".png": format_history_png,
}


def _format_figure(index: int, title: str, cell: CellHistory) -> str:
    findings = " ".join(describe_findings(cell))
    label = f"{title}: {CLOCKS[cell.clock]} over {len(cell.points)} commits. {findings}"
    return (
        f'<figure><figcaption class="head">{escape(title)}</figcaption>'
        f'<div class="chart" id="figure-{index}" role="img" aria-label="{escape(label)}"></div>'
        f"<figcaption>{escape(findings)}</figcaption></figure>"
    )


def _make_picture(history: History) -> dict[str, Any]:
    """All cells one below the other."""
    import altair as alt

    charts = [
        make_history_layers(cell).properties(
            width=PICTURE_WIDTH,
            height=PICTURE_HEIGHT,
            title=alt.Title(title, subtitle=describe_findings(cell)[:4], anchor="start", frame="group"),
        )
        for title, cell in zip(name_cells(history.cells), history.cells, strict=True)
    ]
    config = make_config() | {
        "background": "var(--surface)",
        "padding": 16,
        "title": {"color": "var(--ink)", "subtitleColor": "var(--muted)", "fontSize": 13, "subtitlePadding": 6},
    }
    config.pop("autosize")  # the width of a page's element; several charts have none
    footer = alt.Title(
        [describe_order(history), HINT], orient="bottom", anchor="start", offset=18, fontWeight=400, fontSize=11
    )
    chart = alt.vconcat(*charts, spacing=32, title=footer).configure(**config)
    return put_colours(chart.to_dict())
