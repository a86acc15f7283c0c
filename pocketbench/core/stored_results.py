"""A result as the store keeps it: its JSON without the samples, and the samples beside it as bytes.

Most of a result stands word for word in many others: the file, the device, the plan, and the conditions of a session
in each of its cells. Such a text is parsed once, and the records of all these results share what it says.
"""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

from pocketbench.core.errors import FileFault
from pocketbench.core.jsonio import FORMAT_VERSION, dump_record, parse_record, parse_value
from pocketbench.core.records import Measurement, RunResult
from pocketbench.core.samples import pack_samples, unpack_samples

SERIES = ("wall_ns", "cpu_ns", "warmup_wall_ns")
"""The fields of a Measurement that are packed, in this order."""
UNIQUE = "measurement"
"""The field that is another in every result."""
LONGEST_KNOWN = 10_000  # characters
MOST_KNOWN = 4_000  # texts a field
_FIELDS = dataclasses.fields(RunResult)
_HINTS = typing.get_type_hints(RunResult)
_HEAD = f'{{"format": {FORMAT_VERSION}, "kind": "{RunResult.__name__}", "data": {{"{_FIELDS[0].name}": '
_TAIL = "}}"
_MARKS = tuple((field.name, f', "{field.name}": ', "since" in field.metadata) for field in _FIELDS[1:])


def dump_result(result: RunResult) -> tuple[str, bytes | None]:
    """The JSON and the packed samples; None, and the samples in the JSON, where there are none or no width fits."""
    measurement = result.measurement
    if measurement is None:
        return dump_record(result), None
    packed = b""
    for name in SERIES:
        part = pack_samples(getattr(measurement, name))
        if part is None:
            return dump_record(result), None
        packed += part
    bare = dataclasses.replace(measurement, wall_ns=(), cpu_ns=(), warmup_wall_ns=())
    return dump_record(dataclasses.replace(result, measurement=bare)), packed


class ResultParser:
    """Reads results as `dump_result` made them, or as JSON alone; equal parts of them are parsed once."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, Any]] = {name: {} for name in _HINTS}

    def parse(self, text: str, packed: bytes | None, where: str) -> RunResult:
        """Raises: FileFault, which names `where` and the key, when it is not such a result."""
        pieces = _cut(text)
        values = None if pieces is None else self._parse_pieces(pieces, where)
        # the parser of whole records takes every order of the keys, and says what is wrong
        result = parse_record(text, RunResult, where) if values is None else RunResult(**values)
        if packed is not None:
            _add_samples(result.measurement, packed, where)
        return result

    def _parse_pieces(self, pieces: dict[str, str], where: str) -> dict[str, Any] | None:
        values = {}
        try:
            for name, piece in pieces.items():
                known = self._known[name]
                if piece in known:
                    values[name] = known[piece]
                    continue
                values[name] = parse_value(piece, _HINTS[name], where, f"data.{name}")
                if name != UNIQUE and len(piece) <= LONGEST_KNOWN:
                    if len(known) == MOST_KNOWN:
                        known.clear()
                    known[piece] = values[name]
        except (FileFault, ValueError, RecursionError):
            return None
        return values


def _cut(text: str) -> dict[str, str] | None:
    """The texts of the fields of a result; None where they don't follow one another as `dump_record` writes them.

    That a mark may also stand inside a field does no harm: each piece has to be the whole JSON of its field, and where
    all are, the text has been cut at its fields.
    """
    if not (text.startswith(_HEAD) and text.endswith(_TAIL)):
        return None
    pieces = {}
    name, start = _FIELDS[0].name, len(_HEAD)
    for next_name, mark, is_later in _MARKS:
        end = text.find(mark, start)
        if end >= 0:
            pieces[name] = text[start:end]
            name, start = next_name, end + len(mark)
        elif not is_later:
            return None
    pieces[name] = text[start : -len(_TAIL)]
    return pieces


def _add_samples(measurement: Measurement | None, packed: bytes, where: str) -> None:
    """Put the samples into a record that was made without, and that nobody else has seen yet."""
    if measurement is None or any(len(getattr(measurement, name)) for name in SERIES):
        raise FileFault(f"{where}: has packed samples, and none are missing", "restore the database from a copy")
    try:
        found = unpack_samples(packed, len(SERIES))
    except ValueError as error:
        raise FileFault(f"{where}: damaged samples: {error}", "restore the database from a copy") from error
    for name, samples in zip(SERIES, found, strict=True):
        object.__setattr__(measurement, name, samples)  # as a frozen record's own __init__ does
