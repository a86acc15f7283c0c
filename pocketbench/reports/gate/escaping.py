"""Names and reasons in Markdown that GitHub renders: text of strangers, of which nothing may act."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pocketbench.reports.gate.wording import flatten_text
from pocketbench.reports.markdown import escape_markdown

_BREAK = "&#8203;"
"""A space without width: what it stands in is no mention, no reference and no link any more."""


def escape_text(text: str) -> str:
    """The text on one line, without markup, mentions, references, links and formulas.

    GitHub looks for @names, #numbers and addresses after it has rendered the Markdown, where a backslash is gone.
    """
    escaped = escape_markdown(flatten_text(text))
    escaped = re.sub(r"[@#]|:(?=//)|(?i:\bgh-)(?=\d)", lambda found: f"{found[0]}{_BREAK}", escaped)
    escaped = re.sub(r"(?i:\bwww)(?=\.)", lambda found: f"{found[0]}{_BREAK}", escaped)
    return escaped.replace("$", "<span>$</span>")


def format_table(heads: Sequence[str], rows: Sequence[Sequence[str]], text_columns: Sequence[int]) -> str:
    """A table of plain texts, which are escaped here; figures stand on the right, and empty columns are left out."""
    filled = [index for index in range(len(heads)) if any(row[index] for row in rows)]
    rule = ["---" if index in text_columns else "--:" for index in filled]
    lines = [[heads[index] for index in filled], rule]
    lines += [[escape_text(row[index]) for index in filled] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def format_fold(title: str, body: str, *, is_open: bool = False) -> str:
    """A part that opens on a click.

    Args:
        title: our own words; Markdown is not read there.
    """
    return f"<details{' open' if is_open else ''}>\n<summary>{title}</summary>\n\n{body}\n\n</details>"
