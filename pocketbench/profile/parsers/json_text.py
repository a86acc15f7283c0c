"""JSON of another program, read key by key: a wrong type or a missing key is an error that names the key."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pocketbench.profile.parsers.output_fault import (
    MAX_COUNT,
    MAX_TEXT_CHARS,
    OutputFault,
    check_duration,
    make_fault,
)

MAX_ITEMS = 1_000_000
CURE = "give the file as the program wrote it; when it is complete, this version of the program is not known"


@dataclass(frozen=True, slots=True)
class JsonTable:
    """An object of a JSON text; `place` is where it stands ("latency")."""

    values: dict[str, Any]
    place: str = ""

    def has(self, key: str) -> bool:
        """Whether there is a value; null is none."""
        return self.values.get(key) is not None

    def table(self, key: str) -> JsonTable:
        return JsonTable(self._get(key, dict, "an object"), self._name(key))

    def tables(self, key: str) -> list[JsonTable]:
        items = self._get(key, list, "a list of objects")
        if len(items) > MAX_ITEMS or not all(isinstance(item, dict) for item in items):
            raise self.fault(key, "a list of objects")
        return [JsonTable(item, f"{self._name(key)}[{index}]") for index, item in enumerate(items)]

    def text(self, key: str) -> str:
        text: str = self._get(key, str, "a text")
        return text

    def count(self, key: str, *, at_least: int = 0) -> int:
        value: int = self._get(key, int, "a whole number")
        if not at_least <= value <= MAX_COUNT:
            raise self.fault(key, f"a whole number from {at_least} on")
        return value

    def duration_ns(self, key: str, unit_ns: int) -> int:
        return self._to_ns(key, self._get(key, (int, float), "a number"), unit_ns)

    def durations_ns(self, key: str, unit_ns: int) -> list[int]:
        items = self._get(key, list, "a list of numbers")
        if len(items) > MAX_ITEMS or any(type(item) not in (int, float) for item in items):
            raise self.fault(key, "a list of numbers")
        return [self._to_ns(key, item, unit_ns) for item in items]

    def fault(self, key: str, expected: str) -> OutputFault:
        seen = repr(self.values.get(key))[:80]
        return make_fault(f"{self._name(key)} is {seen}, where {expected} belongs", cure=CURE)

    def _to_ns(self, key: str, value: float, unit_ns: int) -> int:
        try:
            return check_duration(value * unit_ns)
        except (OutputFault, OverflowError):
            raise self.fault(key, "a duration") from None

    def _get(self, key: str, kind: type | tuple[type, ...], expected: str) -> Any:
        if key not in self.values:
            raise make_fault(f"the key {self._name(key)} is missing", cure=CURE)
        value = self.values[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self.fault(key, expected)
        return value

    def _name(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key


def parse_json_table(text: str) -> JsonTable:
    """Raises: OutputFault for what is not one JSON object, and for a key that stands in it twice."""
    if len(text) > MAX_TEXT_CHARS:
        raise make_fault(f"{len(text)} characters, more than the {MAX_TEXT_CHARS} that are read")
    try:
        value = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_make_table, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise make_fault(f"not JSON ({error})", text, cure=CURE) from None
    if not isinstance(value, dict):
        raise make_fault("not a JSON object", text, cure=CURE)
    return JsonTable(value)


def find_keys(text: str) -> set[str]:
    """The keys of a JSON object, to tell what it is; none for another text."""
    if not text.lstrip("\ufeff \t\r\n").startswith("{"):
        return set()
    try:
        return set(parse_json_table(text).values)
    except OutputFault:
        return set()


def _make_table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a key stands twice in an object")
    return table


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")
