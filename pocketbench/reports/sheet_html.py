"""A sheet as an HTML table."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby

from pocketbench.reports.sheets import EMPTY, Column, Entry, Line, Sheet


def format_sheet(sheet: Sheet, *, has_details: bool = False, has_groups: bool = True) -> str:
    """The sheet in a frame that scrolls.

    Args:
        has_details: whether intervals stand under their figures.
        has_groups: False for a sheet of one group, whose name is said elsewhere.
    """
    body = []
    for group, lines in groupby(sheet.lines, key=lambda line: line.group):
        span = len(sheet.columns) + 1
        if has_groups:
            body.append(
                f'<tr class="group"><th scope="rowgroup" colspan="{span}"><span>{escape(group)}</span></th></tr>'
            )
        body += [_format_line(line, sheet.columns, has_details) for line in lines]
    table = f"<table>{_format_head(sheet.columns, escape(sheet.corner))}<tbody>{''.join(body)}</tbody></table>"
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(sheet.title)}">{table}</div>'


def _format_head(columns: Sequence[Column], corner: str) -> str:
    if not any(column.group for column in columns):
        heads = "".join(_format_column(column) for column in columns)
        return f'<thead><tr><th scope="col" class="text">{corner}</th>{heads}</tr></thead>'
    above, below = [], []
    for group, members in groupby(columns, key=lambda column: column.group):
        neighbours = list(members)
        if group:
            above.append(f'<th scope="colgroup" class="span" colspan="{len(neighbours)}">{escape(group)}</th>')
            below += [_format_column(column) for column in neighbours]
        else:
            above += [_format_column(column, rows=2) for column in neighbours]
    return (
        f'<thead><tr><th scope="col" class="text" rowspan="2">{corner}</th>{"".join(above)}</tr>'
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
