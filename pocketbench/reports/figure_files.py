"""The figures of a report as pictures for a paper or a slide: SVG and PNG, in the page's light colours on white."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pocketbench.core.jsonio import write_bytes
from pocketbench.reports.chart import make_chart
from pocketbench.reports.figures import Figure, make_figures
from pocketbench.reports.labels import join_words
from pocketbench.reports.picture_colours import put_colours
from pocketbench.reports.picture_process import PICTURE_SUFFIXES
from pocketbench.reports.records import Table

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
"""vl-convert brings the first one along: a picture is laid out alike on every machine, and the SVG has the same bytes.
The other fonts have its widths, for programs that show the SVG without it."""
PLOT_WIDTH = 400  # names of points are placed for 270 to 520 px (`label_places`)
PLOT_HEIGHT = 280
MOST_FIGURES = 12
"""Nobody looks through more; a fleet of boards has hundreds, and each takes most of a second. Of more none is drawn:
nothing says which ones are wanted."""
_TITLE_CHARACTERS = 66
_CAPTION_CHARACTERS = 88
_LONGEST_NAME = 80


def make_pictures(table: Table) -> dict[str, dict[str, Any]]:
    """The figures of the table as specifications that stand alone, by name: report-RUNTIME."""
    figures = _choose_figures(table)
    names = name_figure_files([figure.title for figure in figures])
    return {name: make_picture(figure) for name, figure in zip(names, figures, strict=True)}


def name_picture_files(table: Table) -> list[str]:
    """The names of the files that a report of the table has its figures in."""
    titles = [figure.title for figure in _choose_figures(table)]
    return [name + suffix for name in name_figure_files(titles) for suffix in PICTURE_SUFFIXES]


def _choose_figures(table: Table) -> Sequence[Figure]:
    return make_figures(table) if len(table.runtimes) <= MOST_FIGURES else ()


def write_pictures(pictures: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Write each by its name; each appears whole or not at all.

    Raises:
        FileFault: when the folder can't be written.
    """
    for name, content in pictures.items():
        write_bytes(folder / name, content)
    return [folder / name for name in pictures]


def name_figure_files(titles: Sequence[str]) -> list[str]:
    """A file name without suffix for each figure: "report-litert-1-thread-tflite-fp32". No two are the same, even where
    a file system takes capitals for small letters."""
    names: list[str] = []
    for title in titles:
        slug = re.sub(r"[^a-z0-9.]+", "-", title.lower())[:_LONGEST_NAME].strip("-.")
        stem = f"report-{slug}" if slug else "report"
        name, number = stem, 2
        while name in names:
            name, number = f"{stem}-{number}", number + 1
        names.append(name)
    return names


def make_picture(figure: Figure) -> dict[str, Any]:
    """The Vega-Lite specification that stands alone: title, caption, and colours in place of the page's variables."""
    chart = make_chart(figure)
    numbered = _number_unnamed(chart["data"]["values"])
    if numbered:
        chart["layer"].append(_make_numbers(chart["layer"]))
    config = chart.pop("config")
    schema = chart.pop("$schema")
    chart |= {
        "width": PLOT_WIDTH,
        "height": PLOT_HEIGHT,
        "title": {"text": textwrap.wrap(figure.title, _TITLE_CHARACTERS), "anchor": "start", "frame": "bounds"},
    }
    picture = {
        "$schema": schema,
        "vconcat": [chart],
        "title": {
            "text": textwrap.wrap(f"{figure.caption} {numbered}", _CAPTION_CHARACTERS),
            "orient": "bottom",
            "anchor": "start",
            "offset": 14,
            "fontSize": 10.5,
            "fontWeight": 400,
            "lineHeight": 14,
            "color": "var(--muted)",
        },
        "config": {name: value for name, value in config.items() if name != "autosize"}
        | {
            "background": "var(--surface)",
            "font": FONT,
            "padding": 10,
            "title": {"color": "var(--ink)", "fontSize": 13, "fontWeight": 600, "offset": 10},
        },
    }
    return put_colours(picture)


def _number_unnamed(values: Sequence[dict[str, Any]]) -> str:
    """Give each point that no name fits beside a number, and say what the numbers stand for: there is no tooltip.

    Colours tell the networks apart, so the short names do.
    """
    names = []
    for value in values:
        value["number"] = None
        if value["align"] is None:
            names.append(value["label"])
            value["number"] = str(len(names))
    if not names:
        return ""
    listed = join_words(f"{number} {name}" for number, name in enumerate(names, start=1))
    return f"Numbered for want of room: {listed}."


def _make_numbers(layers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The layer of numbers, each within its point: light in a filled one."""
    points = next(layer["encoding"] for layer in layers if layer["mark"]["type"] == "point")
    return {
        "transform": [{"filter": "datum.number != null"}],
        "mark": {"type": "text", "baseline": "middle", "fontSize": 8.5, "fontWeight": 700},
        "encoding": {
            "x": points["x"],
            "y": points["y"],
            "text": {"field": "number", "type": "nominal"},
            "color": {"condition": {"test": "datum.front", "value": "var(--surface)"}, "value": "var(--ink)"},
        },
    }
