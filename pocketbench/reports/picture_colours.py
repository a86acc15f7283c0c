"""The colours of a picture: it has no style sheet, so the page's light colours stand in place of its variables."""

from __future__ import annotations

import re
from typing import Any

from pocketbench.core.units import make_printable
from pocketbench.reports.page import read_style

_HOLDERS = frozenset({"background", "color", "fill", "range", "stroke", "value"})
_HOLDERS_END = "Color"
_DATA = frozenset({"data", "datasets"})


def read_colours() -> dict[str, str]:
    """The variables of page.css with their light colours."""
    light = read_style().partition("}")[0]
    return dict(re.findall(r"(--[a-z0-9-]+): (#[0-9a-f]{6});", light))


def put_colours(chart: dict[str, Any]) -> dict[str, Any]:
    """The Vega-Lite specification with light colours, and with text that XML and a terminal can hold.

    Only what Vega-Lite reads as a colour is: models, devices and commits may be called "var(--ink)".
    """
    put: dict[str, Any] = _put(chart, read_colours(), is_colour=False)
    return put


def _put(part: Any, colours: dict[str, str], *, is_colour: bool) -> Any:
    if isinstance(part, dict):
        return {
            name: _put(
                value, {} if name in _DATA else colours, is_colour=name in _HOLDERS or name.endswith(_HOLDERS_END)
            )
            for name, value in part.items()
        }
    if isinstance(part, list):
        return [_put(value, colours, is_colour=is_colour) for value in part]
    if isinstance(part, str):
        variable = re.fullmatch(r"var\((--[a-z0-9-]+)\)", part) if is_colour and colours else None
        return colours[variable[1]] if variable else make_printable(part)
    return part
