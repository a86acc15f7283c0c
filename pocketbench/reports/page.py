"""One HTML file that asks the network for nothing: the frame that every page of ours stands in.

Its content security policy forbids every request, so that even a name that slipped through as markup could load
nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape
from importlib import resources
from typing import Any

from pocketbench.reports.plot_script import read_plot_script

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'; img-src data:"


def format_page(
    title: str, body: Iterable[str], charts: Sequence[dict[str, Any]] = (), scripts: Sequence[str] = ()
) -> str:
    """The page.

    Args:
        body: its parts, as HTML; empty ones are left out.
        charts: Vega-Lite specifications; chart i is drawn into the element with the id figure-i, and an event "chart"
            of the document then tells its element and view.
        scripts: names of files beside this module that run before the charts are drawn, as one script.
    """
    head = (
        '<meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title>"
        f"<style>{read_style()}</style>"
    )
    own = "\n".join(map(_read_resource, scripts))
    parts = [*body, f"<script>{own}</script>" if own else "", _format_script(charts) if charts else ""]
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head><body>\n'
        + "\n".join(filter(None, parts))
        + "\n</body></html>\n"
    )


def format_header(title: str, facts: Iterable[str]) -> str:
    items = "".join(f"<li>{escape(fact)}</li>" for fact in facts)
    return f'<header><p class="brand">pocketbench</p><h1>{escape(title)}</h1><ul class="facts">{items}</ul></header>'


def format_section(title: str, content: str) -> str:
    """A section of the page.

    Args:
        content: HTML.
    """
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def escape_json(data: Any) -> str:
    """JSON that can stand in a script element: "<" could end it from within a string; as an escape it is the same."""
    return json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def read_style() -> str:
    """page.css."""
    return _read_resource("page.css")


def _format_script(charts: Sequence[dict[str, Any]]) -> str:
    data = escape_json(charts)
    return f'<script type="application/json" id="charts">{data}</script><script>{read_plot_script()}</script>'


def _read_resource(name: str) -> str:
    return resources.files("pocketbench.reports").joinpath(name).read_text(encoding="utf-8")
