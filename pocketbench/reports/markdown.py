"""The report as GitHub-flavoured Markdown."""

from __future__ import annotations

import re
from html import escape

from pocketbench.reports.conditions_text import (
    REMARKS_TITLE,
    describe_conditions,
    describe_method,
    describe_terms,
)
from pocketbench.reports.operator_sheets import EXPLANATION, HOW_TO_GET, make_operator_sections
from pocketbench.reports.operator_sheets import TITLE as OPERATORS_TITLE
from pocketbench.reports.paper_layout import TITLE as PAPER_TITLE
from pocketbench.reports.paper_layout import make_paper_sheet, make_paper_table
from pocketbench.reports.records import Table
from pocketbench.reports.sheets import Entry, Sheet, make_file_sheet, make_overview, make_runtime_sheets


def format_markdown(table: Table) -> str:
    """The whole report; the headings are those of the HTML page."""
    sections = [f"# {escape_markdown(table.title)}", _format_sheet(make_overview(table))]
    if table.remarks:
        sections += [f"**{REMARKS_TITLE}**", "\n".join(f"- {escape_markdown(remark)}" for remark in table.remarks)]
    paper = make_paper_table(table)
    sections += [f"## {PAPER_TITLE}", _format_sheet(make_paper_sheet(paper))]
    sections.append("\n".join(f"- {escape_markdown(remark)}" for remark in paper.remarks))
    for sheet in make_runtime_sheets(table):
        sections += [f"## {escape_markdown(sheet.title)}", _format_sheet(sheet)]
    sections += _format_operators(table)
    sections += ["## Files", _format_sheet(make_file_sheet(table))]
    if table.notes:
        notes = [f"{number}. {escape_markdown(text)}" for number, text in enumerate(table.notes, start=1)]
        sections += ["## Notes", "\n".join(notes)]
    sections += ["## How it was measured", *map(escape_markdown, describe_method(table))]
    sections.append("\n".join(f"- **{term}**: {text}" for term, text in describe_terms(table)))
    sections.append("## Conditions")
    for name, properties in describe_conditions(table):
        sections.append(f"### {escape_markdown(name)}")
        sections.append("\n".join(f"- {key}: {escape_markdown(value)}" for key, value in properties))
    return "\n\n".join(sections) + "\n"


def _format_operators(table: Table) -> list[str]:
    sections = make_operator_sections(table)
    if not sections:
        return [escape_markdown(HOW_TO_GET)] if table.result_count else []
    parts = [f"## {OPERATORS_TITLE}", *map(escape_markdown, EXPLANATION)]
    for section in sections:
        parts.append(f"### {escape_markdown(section.title)}")
        parts += [escape_markdown(sentence) for sentence in section.sentences]
        parts += [_format_sheet(sheet) for sheet in section.sheets]
        for sheet in section.stages:
            summary = f"<details><summary>{escape(' '.join(sheet.title.split()))}</summary>"
            parts += [summary, _format_sheet(sheet), "</details>"]
    return parts


_MARKUP = re.compile(r"[\\`*\[\]<>|~&_]|[^\S ]|  |^ | $")  # what has to be looked at; single spaces have not


def escape_markdown(text: str) -> str:
    """The text so that no character of it is markup: names come from files and devices."""
    if not _MARKUP.search(text):
        return text  # a figure, as most are
    flat = " ".join(text.split())
    escaped = re.sub(r"([\\`*\[\]<>|~])", r"\\\1", flat).replace("&", "&amp;")
    # An underscore within a word is no emphasis on GitHub, and names are full of them.
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", escaped)


def _format_sheet(sheet: Sheet) -> str:
    label = "Attention" if sheet.corner == "Model" else sheet.corner
    heads = ["Model", label, *(f"{column.group}: {column.head}".removeprefix(": ") for column in sheet.columns)]
    is_text = [True, True, *(column.is_text for column in sheet.columns)]
    rows = [list(map(escape_markdown, heads))]
    for line in sheet.lines:
        names = [escape_markdown(line.group), escape_markdown(line.label)]
        rows.append(names + [_format_entry(entry) for entry in line.entries])
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    rule = ["-" * width if left else "-" * (width - 1) + ":" for width, left in zip(widths, is_text, strict=True)]
    padded = [
        [
            cell.ljust(width) if left else cell.rjust(width)
            for cell, width, left in zip(row, widths, is_text, strict=True)
        ]
        for row in rows
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in (padded[0], rule, *padded[1:]))


def _format_entry(entry: Entry) -> str:
    marks = "".join(f" \\[{index + 1}\\]" for index in entry.notes)
    return escape_markdown(entry.text) + marks
