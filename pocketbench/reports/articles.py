"""All that is known of each line of the table as HTML, an article a line; details.js shows the one that is asked for.

Lines of one file, one device or one network have much in common. It is written once, with an address; the articles
that follow have a link to it, in place of which details.js puts it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from pocketbench.reports.commands import Command, CommandLister
from pocketbench.reports.details import Part, PartMaker
from pocketbench.reports.explorer import name_results
from pocketbench.reports.lines import FlatLine
from pocketbench.reports.records import Table
from pocketbench.reports.sheet_html import format_sheet

FIGURES = ("Latency", "Accuracy")  # what stands before the commands
SHORTEST_SHARED = 160  # characters: a link is hardly shorter


@dataclass(frozen=True, slots=True)
class _Piece:
    """An element of an article: the start tag without its end, what it holds, and what a link to it is called."""

    start: str
    content: str
    name: str


_Known = dict[int, tuple[Part | Command, _Piece]]  # by the id of what was written, which lives as long as this


@dataclass(frozen=True, slots=True)
class _Article:
    head: str
    before: Sequence[_Piece]
    commands: Sequence[_Piece]
    after: Sequence[_Piece]


@dataclass(frozen=True, slots=True)
class _Shared:
    """What stands in several articles, and the number of its place once it is written."""

    contents: set[str]
    places: dict[str, int]


def format_details(table: Table, lines: Sequence[FlatLine]) -> str:
    """Everything about each line. Browsers without JavaScript show it as a section; to others it is inert text, from
    which details.js takes what it is asked for."""
    known: _Known = {}
    maker, lister = PartMaker(table), CommandLister(table)
    articles = [
        _make_article(name, line, maker.make(line), lister.list_commands(line), known)
        for name, line in zip(name_results(lines), lines, strict=True)
    ]
    counts = Counter(
        piece.content
        for article in articles
        for piece in (*article.before, *article.commands, *article.after)
        if len(piece.content) >= SHORTEST_SHARED
    )
    shared = _Shared({content for content, count in counts.items() if count > 1}, {})
    text = "".join([_format_article(article, shared) for article in articles])
    return f'<noscript id="details"><section><h2>Result by result</h2>{text}</section></noscript>'


def _make_article(
    name: str, line: FlatLine, parts: Sequence[Part], commands: Sequence[Command], known: _Known
) -> _Article:
    """Args:
    known: the pieces of the parts and commands of all lines, for several have the same ones.
    """
    where = line.runtime_name or line.file_kind
    head = (
        f'<article class="result" id="{name}"><header><h3>{escape(line.row.label)}</h3>'
        f"<p>{escape(f'{line.network}, {where}' if line.row.group is not None else where)}</p></header>"
    )
    for part in parts:
        if id(part) not in known:
            known[id(part)] = part, _make_part(part)
    for command in commands:
        if id(command) not in known:
            known[id(command)] = command, _make_command(command)
    pieces = {part.title: known[id(part)][1] for part in parts}
    return _Article(
        head,
        [piece for title, piece in pieces.items() if title in FIGURES],
        [known[id(command)][1] for command in commands],
        [piece for title, piece in pieces.items() if title not in FIGURES],
    )


def _make_part(part: Part) -> _Piece:
    rows = "".join([f"<div><dt>{escape(key)}</dt><dd>{escape(value)}</dd></div>" for key, value in part.properties])
    content = [f'<dl class="facts-list">{rows}</dl>' if rows else ""]
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in part.sentences)
    content.append(f"<ul>{items}</ul>" if items else "")
    content += [format_sheet(sheet, has_groups=False) for sheet in part.sheets]
    if part.more is not None:
        content.append(f'<p><a class="more" href="#{part.more}">By stage of the network</a></p>')
    return _Piece('<section class="part"', f"<h4>{escape(part.title)}</h4>{''.join(content)}</section>", part.title)


def _make_command(command: Command) -> _Piece:
    code = f'<pre tabindex="0"><code>{escape(command.text)}</code></pre>' if command.text is not None else ""
    return _Piece("<li", f"<p>{escape(command.purpose)}</p>{code}</li>", command.purpose)


def _format_article(article: _Article, shared: _Shared) -> str:
    before, commands, after = (
        "".join([_format_piece(piece, shared) for piece in pieces])
        for pieces in (article.before, article.commands, article.after)
    )
    made = f'<section class="part commands"><h4>Make it again</h4><ol>{commands}</ol></section>' if commands else ""
    return f"{article.head}{before}{made}{after}</article>"


def _format_piece(piece: _Piece, shared: _Shared) -> str:
    """The piece, with an address where others follow that say the same; a link to it where it was said already."""
    content = piece.content
    if content not in shared.contents:
        return f"{piece.start}>{content}"
    place = shared.places.get(content)
    if place is None:
        place = shared.places[content] = len(shared.places) + 1
        return f'{piece.start} id="part-{place}">{content}'
    end = f"</{piece.start.removeprefix('<').split(' ')[0]}>"
    return f'{piece.start}><a class="same" href="#part-{place}">{escape(piece.name)}: as above</a>{end}'
