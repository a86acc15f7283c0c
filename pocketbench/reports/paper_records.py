"""A table in the layout of papers, as frozen records: what LaTeX, Markdown and HTML print of it."""

from __future__ import annotations

from dataclasses import dataclass

from pocketbench.reports.sheets import EMPTY, Column


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperFigure:
    """A figure as text, `EMPTY` where there is none. `change` is how much more or less it is than the baseline's, ""
    for the baseline's own. `interval` are the bounds of its 95 % interval. `is_best`: the interval of no other of its
    network reaches its own. `source` is an index into `PaperTable.sources`."""

    text: str = EMPTY
    change: str = ""
    interval: tuple[str, str] | None = None
    is_best: bool = False
    source: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperLine:
    """A row: the network, and what was added to it ("+ CA"; None for the network itself), at which ratio."""

    network: str
    addition: str | None
    ratio: int | None
    figures: tuple[PaperFigure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperTable:
    """A figure a column in each line. `sources` are those of published figures; `remarks` stand under the table."""

    caption: str
    columns: tuple[Column, ...]
    lines: tuple[PaperLine, ...]
    sources: tuple[str, ...]
    remarks: tuple[str, ...]
