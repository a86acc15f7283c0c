"""The report as one HTML file that asks the network for nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from pocketbench.reports.articles import format_details
from pocketbench.reports.chart import make_chart
from pocketbench.reports.conditions_text import (
    IMPORTED,
    REMARKS_TITLE,
    describe_conditions,
    describe_dates,
    describe_method,
    describe_terms,
)
from pocketbench.reports.explorer import format_explorer, format_plot
from pocketbench.reports.explorer_plot import make_explorer_chart, make_points
from pocketbench.reports.figures import Figure, make_figures
from pocketbench.reports.labels import count_things, describe_runtimes, join_words
from pocketbench.reports.lines import make_lines
from pocketbench.reports.operator_sheets import EXPLANATION, HOW_TO_GET, make_operator_sections
from pocketbench.reports.operator_sheets import TITLE as OPERATORS_TITLE
from pocketbench.reports.page import format_header, format_page, format_section
from pocketbench.reports.paper_layout import TITLE as PAPER_TITLE
from pocketbench.reports.paper_layout import make_paper_sheet, make_paper_table
from pocketbench.reports.paper_records import PaperTable
from pocketbench.reports.records import Table
from pocketbench.reports.sheet_html import format_sheet
from pocketbench.reports.sheets import make_file_sheet, make_overview, make_runtime_sheets

SCRIPTS = ("details.js", "plot.js", "explorer.js")


def format_html(table: Table) -> str:
    """The whole page: all results to filter, overview, figures, a table a runtime, files, notes, method, conditions."""
    lines = make_lines(table)
    data = make_points(lines)
    charts = [make_explorer_chart(lines)] if data["axes"] else []
    plot = format_plot(lines, data, 0) if charts else ""
    figures = make_figures(table)
    body = [
        _format_header(table),
        "<main>",
        _format_remarks(table.remarks),
        format_explorer(lines, plot) if lines else "",
        format_section("Overview", format_sheet(make_overview(table), has_details=True)),
        format_section("Latency and accuracy", _format_figures(table, figures, len(charts))),
        format_section(PAPER_TITLE, _format_paper(make_paper_table(table))),
        *(format_section(sheet.title, format_sheet(sheet)) for sheet in make_runtime_sheets(table)),
        _format_operators(table),
        format_section("Files", format_sheet(make_file_sheet(table))),
        format_section("Notes", _format_notes(table.notes)) if table.notes else "",
        format_section("How it was measured", _format_method(table)),
        format_section("Conditions", _format_conditions(table)),
        format_details(table, lines) if lines else "",
        "</main>",
    ]
    charts += [make_chart(figure) for figure in figures]
    return format_page(table.title, body, charts, SCRIPTS if lines else ())


def _format_operators(table: Table) -> str:
    sections = make_operator_sections(table)
    if not sections:
        return f'<p class="prose hint">{escape(HOW_TO_GET)}</p>' if table.result_count else ""
    parts = [f'<div class="prose">{"".join(f"<p>{escape(text)}</p>" for text in EXPLANATION)}</div>']
    for section in sections:
        parts.append(f"<h3>{escape(section.title)}</h3>")
        parts += [f'<p class="prose">{escape(sentence)}</p>' for sentence in section.sentences]
        parts += [format_sheet(sheet) for sheet in section.sheets]
        parts += [
            f'<details id="{sheet.anchor}"><summary>{escape(sheet.title)}</summary>{format_sheet(sheet)}</details>'
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


def _format_paper(paper: PaperTable) -> str:
    remarks = "".join(f"<p>{escape(remark)}</p>" for remark in paper.remarks)
    return f'{format_sheet(make_paper_sheet(paper), has_details=True)}<div class="prose">{remarks}</div>'


def _format_remarks(remarks: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(remark)}</li>" for remark in remarks)
    return f'<aside class="remarks"><h3>{REMARKS_TITLE}</h3><ul>{items}</ul></aside>' if items else ""


def _format_figures(table: Table, figures: Sequence[Figure], first: int) -> str:
    if not figures:
        reason = "No plot: it takes two models with a latency on one runtime, and their top-1 or parameter count."
        return f'<p class="prose">{reason}</p>'
    drawn = "".join(
        f'<figure><figcaption class="head">{escape(figure.title)}</figcaption><div class="chart" id="figure-{index}" '
        f'role="img" aria-label="{escape(_describe_figure(figure))}"></div>'
        f"<figcaption>{escape(figure.caption)}</figcaption></figure>"
        for index, figure in enumerate(figures, start=first)
    )
    drawn_titles = {figure.title for figure in figures}
    left_out = [name for name in describe_runtimes(table.runtimes) if name not in drawn_titles]
    reason = f"No plot for {'; '.join(left_out)}: fewer than two models to draw."
    rest = f'<p class="prose">{escape(reason)}</p>' if left_out else ""
    return f'<div class="figures js-only">{drawn}</div>{rest}'


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
