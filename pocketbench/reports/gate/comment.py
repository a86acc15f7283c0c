"""The gate's report as a comment on a pull request: what a reviewer has to know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from pocketbench.core.gate_records import CellVerdict, GateReport
from pocketbench.reports.gate.escaping import escape_text, format_table
from pocketbench.reports.gate.evidence import describe_check, list_failed_checks, list_parts, make_part_row
from pocketbench.reports.gate.wording import (
    RED_VERDICTS,
    format_fine_ratio,
    format_headline,
    format_interval,
    name_cell,
    name_engine,
    name_file,
    name_interval,
    name_sides,
    sort_cells,
)

MARKER = "<!-- pocketbench-gate -->"
"""The first line, by which a bot finds its own comment and replaces it."""
LENGTH_LIMIT = 65_000
"""GitHub refuses 65,536 characters."""
ROW_LIMIT = 50
PLACE_COUNT = 3

_END = "The summary of the job has the timings, the machine and what passed."


def format_comment(report: GateReport) -> str:
    """The verdict, the cells that did not simply pass, and where each got slower; never longer than GitHub takes."""
    base, head = name_sides(report)
    told = [cell for cell in sort_cells(report.cells) if cell.verdict != "pass"]
    blocks = [
        MARKER,
        f"**Speed gate: {escape_text(format_headline(report))}**",
        f"Base: {escape_text(base)}, head: {escape_text(head)}.",
    ]
    if told:
        heads = ("Model", "Engine", "Verdict", "Ratio", name_interval(told), "Reason")
        table = format_table(heads, [_make_row(cell) for cell in told[:ROW_LIMIT]], (0, 1, 2, 5))
        blocks += _shorten(table.split("\n"), LENGTH_LIMIT // 2, has_more=len(told) > ROW_LIMIT)
    red = [cell for cell in told if cell.verdict in RED_VERDICTS]
    places = list(islice(chain.from_iterable(map(_find_places, red)), ROW_LIMIT + 1))
    if places:
        blocks += _shorten(places[:ROW_LIMIT], LENGTH_LIMIT // 4, has_more=len(places) > ROW_LIMIT)
    return "\n\n".join([*blocks, _END]) + "\n"


def _make_row(cell: CellVerdict) -> tuple[str, ...]:
    ratio, interval = "", ""
    if cell.duel is not None:
        ratio, interval = format_fine_ratio(cell.duel.ratio.value), format_interval(cell.duel.ratio)
    return (name_file(cell.key), name_engine(cell.key), cell.verdict, ratio, interval, cell.reason)


def _find_places(cell: CellVerdict) -> Iterator[str]:
    """List items: the checks that failed, and the places of the network that slowed down most."""
    facts = [describe_check(check) for check in list_failed_checks(cell)[: ROW_LIMIT + 1]]
    parts = list_parts(cell, "block")[0] or list_parts(cell, "operator")[0]
    for name, base, head, change in map(make_part_row, parts[:PLACE_COUNT]):
        facts.append(f"{name}: base {base or 'none'}, head {head or 'none'} ms, change {change}")
    for fact in facts:
        yield f"- {escape_text(f'{name_cell(cell.key)}: {fact}')}"


def _shorten(lines: Sequence[str], limit: int, *, has_more: bool) -> list[str]:
    """The first lines that fit, as one block, and a word when something is left out."""
    kept: list[str] = []
    length = 0
    for line in lines:
        length += len(line) + 1
        if length > limit:
            break
        kept.append(line)
    block = "\n".join(kept)
    return [block, "There is more in the summary of the job."] if has_more or len(kept) < len(lines) else [block]
