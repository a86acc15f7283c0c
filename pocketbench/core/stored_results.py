"""A result as the store keeps it: its JSON without the samples, and the samples beside it as bytes.

Most of a result stands word for word in many others: the file, the device, the plan, and the conditions of a session
in each of its cells. Such a text is parsed once, and the records of all these results share what it says.
"""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

from pocketbench.core.errors import FileFault
from pocketbench.core.jsonio import FORMAT_VERSION, decode, dump_record, make_parser, parse_record
from pocketbench.core.quick_pieces import MeasurementReader, read_caveats
from pocketbench.core.records import Measurement, RunResult
from pocketbench.core.samples import pack_samples, unpack_samples

SERIES = ("wall_ns", "cpu_ns", "warmup_wall_ns")
"""The fields of a Measurement that are packed, in this order."""
GROUPS = (
    ("run_id", "session_index"),
    ("artifact",),
    ("device", "plan"),
    ("measurement",),
    ("failure", "conditions_before", "conditions_after"),
    ("caveats",),
    ("tools", "git_commit", "operator_times", "coverage", "origin"),
)
"""The fields of a result, in their order; those of a group change together."""
_UNIQUE = GROUPS.index(("measurement",))  # another in every result: its samples are put into it
_SAID = GROUPS.index(("caveats",))
LONGEST_KNOWN = 10_000  # characters
MOST_KNOWN = 4_000  # texts a group
_HINTS = typing.get_type_hints(RunResult)
_PARSERS = {name: make_parser(hint) for name, hint in _HINTS.items()}
_LATER = {field.name: field.default for field in dataclasses.fields(RunResult) if "since" in field.metadata}
_HEAD = f'{{"format": {FORMAT_VERSION}, "kind": "{RunResult.__name__}", "data": {{"{GROUPS[0][0]}": '
_TAIL = "}}"
_MARKS = (*(f', "{names[0]}": ' for names in GROUPS[1:]), _TAIL)  # what stands behind each group
_FINAL = len(_MARKS) - 1


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
        self._known: list[dict[str, dict[str, Any]]] = [{} for _ in GROUPS]
        self._last: list[tuple[str, dict[str, Any]]] = [("", {}) for _ in GROUPS]
        self._measurements = MeasurementReader(lambda piece: _parse_group(("measurement",), piece, "")["measurement"])

    def parse(self, text: str, packed: bytes | None, where: str) -> RunResult:
        """Raises: FileFault, which names `where` and the key, when it is not such a result."""
        values = self._parse_pieces(text, packed is not None, where)
        # the parser of whole records takes every order of the keys, and says what is wrong
        result = parse_record(text, RunResult, where) if values is None else RunResult(**values)
        if packed is not None:
            _add_samples(result.measurement, packed, where)
        return result

    def _parse_pieces(self, text: str, is_packed: bool, where: str) -> dict[str, Any] | None:
        """The text cut into its groups at the names of their first fields; None where the fields don't follow one
        another as `dump_record` writes them.

        That a mark may also stand inside a field does no harm: each piece has to be the whole JSON of its group, and
        where all are, the text has been cut at its fields.
        """
        if not text.startswith(_HEAD):
            return None
        values: dict[str, Any] = {}
        start = len(_HEAD)
        try:
            for index, mark in enumerate(_MARKS):
                last, found = self._last[index]  # with its mark: two texts are compared faster than one is searched
                if last and text.startswith(last, start):
                    start += len(last)
                else:
                    end = text.find(mark, start) if index < _FINAL else len(text) - len(mark)
                    if end < start or not text.startswith(mark, end):
                        return None
                    piece = text[start:end]
                    start = end + len(mark)
                    found = self._find_group(index, piece, is_packed, where)
                    if index != _UNIQUE:
                        self._last[index] = piece + mark, found
                values |= found
        except (FileFault, ValueError, RecursionError):
            return None
        return values if start == len(text) and len(values) == len(_HINTS) else None

    def _find_group(self, index: int, piece: str, is_packed: bool, where: str) -> dict[str, Any]:
        names = GROUPS[index]
        if index == _UNIQUE:
            measurement = self._measurements.read(piece) if is_packed else None
            return _parse_group(names, piece, where) if measurement is None else {names[0]: measurement}
        if index == _SAID:
            caveats = read_caveats(piece)
            if caveats is not None:
                return {names[0]: caveats}
        known = self._known[index]
        found = known.get(piece)
        if found is None:
            found = _parse_group(names, piece, where)
            if len(piece) <= LONGEST_KNOWN:
                if len(known) >= MOST_KNOWN:
                    known.clear()
                known[piece] = found
        return found


def _parse_group(names: tuple[str, ...], piece: str, where: str) -> dict[str, Any]:
    """The fields of a group by name; a later one that is missing has its default."""
    plain = decode(f'{{"{names[0]}": {piece}}}')
    if plain.keys() - set(names):
        raise ValueError("fields of other groups")
    later = {name: default for name, default in _LATER.items() if name in names}
    return later | {name: _PARSERS[name](value, where, name) for name, value in plain.items()}


def _add_samples(measurement: Measurement | None, packed: bytes, where: str) -> None:
    """Put the samples into a record that was made without, and that nobody else has seen yet."""
    if measurement is None or measurement.wall_ns or measurement.cpu_ns or measurement.warmup_wall_ns:
        raise FileFault(f"{where}: has packed samples, and none are missing", "restore the database from a copy")
    try:
        found = unpack_samples(packed, len(SERIES))
    except ValueError as error:
        raise FileFault(f"{where}: damaged samples: {error}", "restore the database from a copy") from error
    for name, samples in zip(SERIES, found, strict=True):
        object.__setattr__(measurement, name, samples)  # as a frozen record's own __init__ does
