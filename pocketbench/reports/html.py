"""The report as one HTML file that asks the network for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby

from pocketbench.reports.chart import make_chart
from pocketbench.reports.conditions_text import (
    IMPORTED,
    REMARKS_TITLE,
    describe_conditions,
    describe_dates,
    describe_method,
    describe_terms,
)
from pocketbench.reports.figures import Figure, make_figures
from pocketbench.reports.labels import count_things, describe_runtimes, join_words
from pocketbench.reports.operator_sheets import EXPLANATION, HOW_TO_GET, make_operator_sections
from pocketbench.reports.operator_sheets import TITLE as OPERATORS_TITLE
from pocketbench.reports.page import format_header, format_page, format_section
from pocketbench.reports.records import Table
from pocketbench.reports.sheets import (
    EMPTY,
    Column,
    Entry,
    Line,
    Sheet,
    make_file_sheet,
    make_overview,
    make_runtime_sheets,
)


def format_html(table: Table) -> str:
    """The whole page: overview, figures, a table a runtime, files, notes, method and conditions."""
    figures = make_figures(table)
    body = [
        _format_header(table),
        "<main>",
        format_section(
            "Overview", _format_sheet(make_overview(table), has_details=True) + _format_remarks(table.remarks)
        ),
        format_section("Latency and accuracy", _format_figures(table, figures)),
        *(format_section(sheet.title, _format_sheet(sheet)) for sheet in make_runtime_sheets(table)),
        _format_operators(table),
        format_section("Files", _format_sheet(make_file_sheet(table))),
        format_section("Notes", _format_notes(table.notes)) if table.notes else "",
        format_section("How it was measured", _format_method(table)),
        format_section("Conditions", _format_conditions(table)),
        "</main>",
    ]
    return format_page(table.title, body, [make_chart(figure) for figure in figures])


def _format_operators(table: Table) -> str:
    sections = make_operator_sections(table)
    if not sections:
        return f'<p class="prose hint">{escape(HOW_TO_GET)}</p>' if table.result_count else ""
    parts = [f'<div class="prose">{"".join(f"<p>{escape(text)}</p>" for text in EXPLANATION)}</div>']
    for section in sections:
        parts.append(f"<h3>{escape(section.title)}</h3>")
        parts += [f'<p class="prose">{escape(sentence)}</p>' for sentence in section.sentences]
        parts += [_format_sheet(sheet) for sheet in section.sheets]
        parts += [
            f"<details><summary>{escape(sheet.title)}</summary>{_format_sheet(sheet)}</details>"
            for sheet in section.stages
        ]
    return f'<div class="operators">{format_section(OPERATORS_TITLE, "".join(parts))}</div>'


def _format_header(table: Table) -> str:
    facts = [count_things(len(table.rows), "model"), count_things(len(table.runtimes), "runtime")]
    for machine in table.machines:
        named = machine.name if len(table.machines) > 1 or machine.transport == IMPORTED else None
        chip = machine.soc or join_words(machine.cpu_models)
        parts = list(filter(None, [named, machine.model, chip])) or [machine.device_id]
        when = "imported " if machine.transport == IMPORTED else ""
        facts.append(f"{', '.join(dict.fromkeys(parts))}, {when}{describe_dates(machine)}")
    return format_header(table.title, facts)


def _format_remarks(remarks: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(remark)}</li>" for remark in remarks)
    return f'<aside class="remarks"><h3>{REMARKS_TITLE}</h3><ul>{items}</ul></aside>' if items else ""


def _format_sheet(sheet: Sheet, *, has_details: bool = False) -> str:
    body = []
    for group, lines in groupby(sheet.lines, key=lambda line: line.group):
        span = len(sheet.columns) + 1
        body.append(f'<tr class="group"><th scope="rowgroup" colspan="{span}"><span>{escape(group)}</span></th></tr>')
        body += [_format_line(line, sheet.columns, has_details) for line in lines]
    table = f"<table>{_format_head(sheet.columns)}<tbody>{''.join(body)}</tbody></table>"
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(sheet.title)}">{table}</div>'


def _format_head(columns: Sequence[Column]) -> str:
    if not any(column.group for column in columns):
        heads = "".join(_format_column(column) for column in columns)
        return f'<thead><tr><th scope="col" class="text">Model</th>{heads}</tr></thead>'
    above, below = [], []
    for group, members in groupby(columns, key=lambda column: column.group):
        neighbours = list(members)
        if group:
            above.append(f'<th scope="colgroup" class="span" colspan="{len(neighbours)}">{escape(group)}</th>')
            below += [_format_column(column) for column in neighbours]
        else:
            above += [_format_column(column, rows=2) for column in neighbours]
    return (
        f'<thead><tr><th scope="col" class="text" rowspan="2">Model</th>{"".join(above)}</tr>'
        f"<tr>{''.join(below)}</tr></thead>"
    )


def _format_column(column: Column, rows: int = 1) -> str:
    attributes = (' rowspan="2"' if rows == 2 else "") + (' class="text"' if column.is_text else "")
    return f'<th scope="col"{attributes}>{escape(column.head)}</th>'


def _format_line(line: Line, columns: Sequence[Column], has_details: bool) -> str:
    cells = "".join(
        _format_entry(entry, column, has_details) for entry, column in zip(line.entries, columns, strict=True)
    )
    name = ' class="short"' if len(line.label) <= 20 else ""
    return f'<tr><th scope="row"{name}>{escape(line.label)}</th>{cells}</tr>'


def _format_entry(entry: Entry, column: Column, has_details: bool) -> str:
    marks = "".join(f'<a href="#note-{index + 1}">{index + 1}</a>' for index in entry.notes)
    # More than two digits do not fit into the gap between columns.
    hung = " hung" if sum(len(str(index + 1)) for index in entry.notes) <= 2 else ""
    notes = f'<sup class="marks{hung}">{marks}</sup>' if marks else ""
    detail = f"<small>{escape(entry.detail)}</small>" if has_details and entry.detail else ""
    classes = " ".join(filter(None, ["text" if column.is_text else "", "empty" if entry.text == EMPTY else ""]))
    attribute = f' class="{classes}"' if classes else ""
    return f"<td{attribute}>{escape(entry.text)}{notes}{detail}</td>"


def _format_figures(table: Table, figures: Sequence[Figure]) -> str:
    if not figures:
        reason = "No plot: it takes two models with a latency on one runtime, and their top-1 or parameter count."
        return f'<p class="prose">{reason}</p>'
    drawn = "".join(
        f'<figure><figcaption class="head">{escape(figure.title)}</figcaption><div class="chart" id="figure-{index}" '
        f'role="img" aria-label="{escape(_describe_figure(figure))}"></div>'
        f"<figcaption>{escape(figure.caption)}</figcaption></figure>"
        for index, figure in enumerate(figures)
    )
    drawn_titles = {figure.title for figure in figures}
    left_out = [name for name in describe_runtimes(table.runtimes) if name not in drawn_titles]
    reason = f"No plot for {'; '.join(left_out)}: fewer than two models to draw."
    rest = f'<p class="prose">{escape(reason)}</p>' if left_out else ""
    return (
        f'<div class="figures">{drawn}</div>{rest}'
        '<noscript><p class="prose">The plots need JavaScript; all they show stands in the tables.</p></noscript>'
    )


def _describe_figure(figure: Figure) -> str:
    return f"{figure.title}: {figure.latency_title} against {figure.value_title} of {len(figure.points)} models"


def _format_notes(notes: Iterable[str]) -> str:
    items = "".join(f'<li id="note-{number}">{escape(text)}</li>' for number, text in enumerate(notes, start=1))
    return f'<ol class="notes">{items}</ol>'


def _format_method(table: Table) -> str:
    paragraphs = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in describe_method(table))
    terms = "".join(
        f"<div><dt>{escape(term)}</dt><dd>{escape(text)}</dd></div>" for term, text in describe_terms(table)
    )
    return f'<div class="prose">{paragraphs}</div><dl class="terms">{terms}</dl>'


def _format_conditions(table: Table) -> str:
    parts = []
    for name, properties in describe_conditions(table):
        rows = "".join(f"<div><dt>{escape(key)}</dt><dd>{escape(value)}</dd></div>" for key, value in properties)
        parts.append(f"<h3>{escape(name)}</h3><dl class=facts-list>{rows}</dl>")
    return f'<div class="machines">{"".join(f"<div>{part}</div>" for part in parts)}</div>'
