"""The table as papers print it: a block a network, what was added to it, small differences to its baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from pocketbench.reports.labels import BASELINE
from pocketbench.reports.lines import FOREIGN_GROUP
from pocketbench.reports.paper_columns import PUBLISHED, PaperColumn, list_columns
from pocketbench.reports.paper_names import name_addition, name_networks
from pocketbench.reports.paper_records import PaperFigure, PaperLine, PaperTable
from pocketbench.reports.paper_remarks import list_remarks, list_sources
from pocketbench.reports.records import Row, Table
from pocketbench.reports.sheets import EMPTY, Column, Entry, Line, Sheet

TITLE = "As papers print it"


def make_paper_table(table: Table) -> PaperTable:
    """The rows of a table in the layout of papers.

    Differences are to the baseline of a network, the row without attention: of latencies those that were measured in
    turn with it, of published top-1 those within one source. The ratio has a column where a block of one network has
    several.
    """
    networks = name_networks(table.rows)
    sources = list_sources(table)
    has_ratios = _has_ratios(table.rows)
    shows_gate = len({row.spec.gate for row in table.rows if row.spec is not None and row.spec.block is not None}) > 1
    columns = list_columns(table, has_ratios=has_ratios, sources=sources)
    lines = [
        PaperLine(
            network=networks.get(row.group or "", FOREIGN_GROUP),
            addition=name_addition(row, shows_gate=shows_gate),
            ratio=row.spec.reduction_ratio if row.spec is not None else None,
            figures=figures,
        )
        for _, members in groupby(table.rows, key=lambda row: row.group)
        for row, figures in _fill_network(list(members), columns)
    ]
    remarks = list_remarks(table, lines, networks, has_ratios=has_ratios, shows_gate=shows_gate)
    return PaperTable(
        caption=table.title,
        columns=tuple(column.column for column in columns),
        lines=tuple(lines),
        sources=sources,
        remarks=tuple(remarks),
    )


def make_paper_sheet(paper: PaperTable) -> Sheet:
    """The same as a sheet, for Markdown and HTML: differences stand in brackets, intervals are the details."""
    columns = paper.columns
    if paper.sources:
        columns = (*columns, Column(head="source", group=PUBLISHED, is_text=True))
    return Sheet(
        title=TITLE,
        columns=columns,
        lines=tuple(
            Line(
                group=line.network,
                label=line.addition or BASELINE,
                entries=tuple(_enter_line(line, paper.sources)),
            )
            for line in paper.lines
        ),
    )


def _has_ratios(rows: Sequence[Row]) -> bool:
    ratios: dict[tuple[str | None, str], set[int | None]] = {}
    for row in rows:
        if row.spec is not None and row.spec.block is not None:
            ratios.setdefault((row.spec.backbone, row.spec.block), set()).add(row.spec.reduction_ratio)
    return any(len(found) > 1 for found in ratios.values())


def _fill_network(rows: list[Row], columns: Sequence[PaperColumn]) -> list[tuple[Row, tuple[PaperFigure, ...]]]:
    baseline = next((row for row in rows if row.is_baseline), None)
    bests = [_find_best(rows, column) for column in columns]
    return [
        (
            row,
            tuple(
                replace(column.fill(row, baseline), is_best=row is best)
                for column, best in zip(columns, bests, strict=True)
            ),
        )
        for row in rows
    ]


def _find_best(rows: Sequence[Row], column: PaperColumn) -> Row | None:
    """The row whose interval lies above that of every other one that has a figure in the column."""
    if column.reach is None:
        return None
    reaches = [(row, column.reach(row)) for row in rows if column.fill(row, None).text != EMPTY]
    if len(reaches) < 2 or any(reach is None for _, reach in reaches):
        return None
    known = sorted(((reach, row) for row, reach in reaches if reach is not None), key=lambda item: item[0][0])
    (low, _), best = known[-1]
    return best if all(high < low for (_, high), _ in known[:-1]) else None


def _enter_line(line: PaperLine, sources: Sequence[str]) -> list[Entry]:
    entries = [
        Entry(
            text=f"{figure.text} ({figure.change})" if figure.change else figure.text,
            detail=" to ".join(figure.interval) if figure.interval is not None else "",
        )
        for figure in line.figures
    ]
    if sources:
        own = next((figure.source for figure in line.figures if figure.source is not None), None)
        entries.append(Entry(text=EMPTY if own is None else sources[own]))
    return entries
