"""Pieces of a stored result that differ from result to result in a few numbers or sentences alone, read without the
JSON parser: it takes most of the time of 100,000 results. What looks otherwise is left to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from pocketbench.core.records import Caveat, Measurement

NUMBERS = ("load_ns", "first_ns", "peak_rss_bytes", "idle_rss_bytes")
"""Fields of a Measurement, one after the other, that are others in every result."""
MOST_FORMS = 100
_NUMBER = "(null|0|[1-9][0-9]{0,17})"
_BETWEEN = re.compile(", " + ", ".join(f'"{name}": {_NUMBER}' for name in NUMBERS) + ", ")
_CAVEAT = re.compile(r'\{"code": "([^"\\\x00-\x1f]*)", "text": "([^"\\\x00-\x1f]*)"\}')
_TRIALS = ((1, 2, 3, 4), (5, 6, 7, 8))
_SAMPLES = ("wall_ns", "cpu_ns", "warmup_wall_ns")

Form = dict[str, Any]


class MeasurementReader:
    """Reads measurements without samples. What stands around their numbers is parsed once.

    Args:
        parse: the parser of the whole piece; what it raises is not caught here.
    """

    def __init__(self, parse: Callable[[str], Any]) -> None:
        self._parse = parse
        self._forms: dict[tuple[str, str], Form | None] = {}

    def read(self, piece: str) -> Measurement | None:
        """None where the piece is of another form."""
        found = _BETWEEN.search(piece)
        if found is None:
            return None
        key = (piece[: found.start()], piece[found.end() :])
        form = self._forms.get(key)
        if form is None:
            form = self._learn(*key)
            if form is None:
                return None
            if len(self._forms) >= MOST_FORMS:
                self._forms.clear()
            self._forms[key] = form
        load, first, peak, idle = [None if text == "null" else int(text) for text in found.groups()]
        return Measurement(**form, load_ns=load, first_ns=first, peak_rss_bytes=peak, idle_rss_bytes=idle)

    def _learn(self, head: str, tail: str) -> Form | None:
        """The other fields; None where the numbers between head and tail are not those of the measurement itself: they
        could be those of a summary in it, or be given twice."""
        for trial in _TRIALS:
            between = ", ".join(f'"{name}": {number}' for name, number in zip(NUMBERS, trial, strict=True))
            measurement = self._parse(f"{head}, {between}, {tail}")
            if not isinstance(measurement, Measurement):
                return None
            if tuple(getattr(measurement, name) for name in NUMBERS) != trial:
                return None
        form = {field.name: getattr(measurement, field.name) for field in fields(Measurement)}
        if any(form[name] for name in _SAMPLES):
            return None  # the text of samples would be kept as a form
        return {name: value for name, value in form.items() if name not in NUMBERS}


def read_caveats(piece: str) -> tuple[Caveat, ...] | None:
    """None where the piece is of another form."""
    found = _CAVEAT.findall(piece)
    if piece != "[" + ", ".join([f'{{"code": "{code}", "text": "{text}"}}' for code, text in found]) + "]":
        return None
    return tuple([Caveat(code=code, text=text) for code, text in found])
