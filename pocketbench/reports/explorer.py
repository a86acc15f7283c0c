"""The table of all results as HTML: plain without JavaScript; explorer.js filters, sorts and groups it, and plot.js
draws it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from html import escape
from itertools import groupby
from typing import Any

from pocketbench.reports.explorer_columns import ExplorerColumn, Value, list_columns
from pocketbench.reports.labels import join_words, name_latency
from pocketbench.reports.lines import FlatLine
from pocketbench.reports.page import escape_json
from pocketbench.reports.sheets import EMPTY

TITLE = "All results"
CAPTION = (
    "The dashed line is the Pareto front of the results shown, for each device: nothing on it is beaten in both. "
    "Bars are 95 % intervals. A click on a point, or on a model in the table, shows all that is known of it."
)
_LONGEST_ID = 120


def name_results(lines: Sequence[FlatLine]) -> list[str]:
    """An address for each line that says what it is, "result-mobilenet_v2_1.0_224-litert-1-thread-tflite-fp32"; no two
    are the same."""
    names: list[str] = []
    counts: Counter[str] = Counter()
    for line in lines:
        text = f"{line.name}-{line.runtime_name or line.file_kind}".lower()
        name = "result-" + re.sub(r"[^a-z0-9._]+", "-", text).strip("-")[:_LONGEST_ID]
        counts[name] += 1
        names.append(name if counts[name] == 1 else f"{name}~{counts[name]}")
    return names


def format_explorer(lines: Sequence[FlatLine], plot: str) -> str:
    """The section: a place for the tools, the plot, and the table.

    Args:
        plot: its HTML, "" for none.
    """
    columns = list_columns(lines)
    has_networks = len({line.network for line in lines}) > 1
    heads = "".join(_format_head(column) for column in columns)
    span = len(columns) + 1
    body = []
    ids = iter(name_results(lines))
    for network, members in groupby(enumerate(lines), key=lambda item: item[1].network):
        rows = "".join(_format_row(index, next(ids), line, columns, has_networks) for index, line in members)
        head = f'<tr class="group"><th scope="rowgroup" colspan="{span}"><span>{escape(network)}</span></th></tr>'
        body.append(f"<tbody>{head}{rows}</tbody>")
    head = f'<tr><th scope="col" class="text" data-key="model">Model</th>{heads}</tr>'
    table = f'<table id="lines" data-group="network"><thead>{head}</thead>{"".join(body)}</table>'
    return (
        f'<section class="explorer" id="results"><h2>{TITLE}</h2>'
        '<form class="tools" id="tools" role="search" aria-label="Filter the results" hidden></form>'
        f"{plot}"
        f'<div class="scroll tall" tabindex="0" role="region" aria-label="{TITLE}">{table}</div></section>'
    )


def _format_head(column: ExplorerColumn) -> str:
    attributes = [f'data-key="{column.key}"', f'data-limit="{column.limit}"' if column.limit else ""]
    attributes += ['class="text"' if column.is_word else "", "data-word" if column.is_word else ""]
    attributes += ["data-merit" if column.is_merit else "", f'data-unit="{column.unit}"' if column.unit else ""]
    return f'<th scope="col" {" ".join(filter(None, attributes))}>{escape(column.head)}</th>'


def _format_row(index: int, name: str, line: FlatLine, columns: Sequence[ExplorerColumn], has_networks: bool) -> str:
    cells = "".join(_format_cell(column.read(line), column) for column in columns)
    link = f'<a href="#{name}">{escape(line.row.label)}</a>'
    hidden = "" if has_networks else " hidden"  # one network needs no name in every line
    network = f'<small class="network"{hidden}>{escape(line.network)}</small>'
    short = ' class="short"' if len(line.row.label) <= 20 else ""
    return f'<tr data-line="{index}"><th scope="row"{short}>{link}{network}</th>{cells}</tr>'


def _format_cell(value: Value, column: ExplorerColumn) -> str:
    classes = " ".join(filter(None, ["text" if column.is_word else "", "empty" if value.text == EMPTY else ""]))
    attributes = (f' class="{classes}"' if classes else "") + (
        f' data-v="{value.number!r}"' if value.number is not None else ""
    )
    attributes += " data-rough" if value.is_rough else ""
    marks = "".join(f'<a href="#note-{note + 1}">{note + 1}</a>' for note in value.notes)
    marks = f'<sup class="marks">{marks}</sup>' if marks else ""
    detail = "".join(f"<small>{escape(line)}</small>" for line in value.detail.splitlines())
    return f"<td{attributes}>{escape(value.text)}{marks}{detail}</td>"


def format_plot(lines: Sequence[FlatLine], data: dict[str, Any], number: int) -> str:
    """The place of the plot and its data, for plot.js.

    Args:
        data: of `make_points`.
        number: of its chart on the page.
    """
    what = join_words(axis["name"] for axis in data["axes"])
    label = f"{name_latency(line.latency for line in lines).capitalize()} latency against {what} of the results shown"
    return (
        '<figure class="plot js-only"><figcaption class="head">Latency against '
        f'<select id="axis" aria-label="Vertical axis" data-chart="figure-{number}"></select>, coloured by '
        '<select id="colour" aria-label="Colour"></select></figcaption>'
        f'<p class="axis-title" id="y-title"></p><div class="chart" id="figure-{number}" role="img" '
        f'aria-label="{escape(label)}"></div><ul class="legend" id="legend"></ul>'
        f'<figcaption>{CAPTION} <span id="not-drawn"></span></figcaption></figure>'
        f'<script type="application/json" id="points">{escape_json(data)}</script>'
        '<noscript><p class="prose">The plots need JavaScript; all they show stands in the tables.</p></noscript>'
    )
