"""A TOML file that somebody else wrote, read key by key; an error names the file, the line and the key."""

from __future__ import annotations

import re
import stat
import tomllib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pocketbench.core.errors import FileFault, SuiteError, nearest_name_hint, one_line

MAX_FILE_BYTES = 512 * 1024
MAX_DOTS_IN_LINE = 64
"""The parser's memory grows with the square of a key's parts: a.a.a... on a line of 500 kB takes all there is."""


class TomlTable:
    """One table of a file.

    Args:
        content: the parsed table.
        file: the file's path, for messages.
        place: where it stands in the file, for messages.
        path: how the table is called, "model[2]" (the second [[model]]); "" for the file itself.
    """

    def __init__(self, content: dict[str, Any], file: Path, place: TablePlace, path: str = "") -> None:
        self._content = content
        self._file = file
        self._path = path
        self._place = place

    def __contains__(self, key: str) -> bool:
        return key in self._content

    def get(self, key: str) -> object:
        return self._content.get(key)

    def fault(self, key: str | None, what: str, cure: str) -> SuiteError:
        """The error `what` about a key, or about the table as a whole."""
        number = self._place.find_line(key)
        line = f", line {number}" if number is not None else ""
        name = self._name(key)
        return SuiteError(f"{self._file}{line}: {name + ' ' if name else ''}{what}", cure)

    def refuse_unknown(self, allowed: Collection[str]) -> None:
        """Raises: SuiteError when the table holds another key."""
        for key in self._content:
            if key not in allowed:
                raise self.fault(key, "is an unknown key", nearest_name_hint(key, sorted(allowed)))

    def require(self, *keys: str) -> None:
        """Raises: SuiteError when one is missing."""
        for key in keys:
            if key not in self._content:
                raise self.fault(None, f"the key {key} is missing", "add it")

    def text(self, key: str, limit: int = 200) -> str | None:
        """Raises: SuiteError unless the value is a text of 1 to `limit` printable characters."""
        value = self._content.get(key)
        if value is not None and not is_text(value, limit):
            raise self._misfit(key, value, f"expected a text of 1 to {limit} characters on one line")
        return value

    def whole(self, key: str, low: int, high: int) -> int | None:
        """Raises: SuiteError unless the value is a whole number in the range."""
        value = self._content.get(key)
        if value is not None and not is_whole(value, low, high):
            raise self._misfit(key, value, f"expected a whole number from {low} to {high}")
        return value

    def truth(self, key: str) -> bool:
        """true or false; false where the key is missing."""
        value = self.get(key)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise self._misfit(key, value, "write true or false")

    def number(self, key: str, low: float, high: float) -> float | None:
        """Raises: SuiteError unless the value is a number in the range (nan is in none)."""
        value = self._content.get(key)
        if value is None:
            return None
        if type(value) not in (int, float) or not low <= value <= high:
            raise self._misfit(key, value, f"expected a number from {low:g} to {high:g}")
        return float(value)

    def texts(self, key: str, limit: int = 100) -> tuple[str, ...]:
        """Raises: SuiteError unless the value is a list of 1 to `limit` different texts."""
        return tuple(self._items(key, limit, lambda item: is_text(item, 200), "texts"))

    def wholes(self, key: str, low: int, high: int, limit: int = 100) -> tuple[int, ...]:
        """Raises: SuiteError unless the value is a list of 1 to `limit` different whole numbers in the range."""
        return tuple(
            self._items(key, limit, lambda item: is_whole(item, low, high), f"whole numbers from {low} to {high}")
        )

    def numbers(self, key: str, low: float, high: float, limit: int = 100) -> tuple[float, ...]:
        """Raises: SuiteError unless the value is a list of 1 to `limit` numbers in the range; they may be equal."""
        value = self._content.get(key)
        if not isinstance(value, list) or not 1 <= len(value) <= limit:
            raise self._misfit(key, value, f"expected a list of 1 to {limit} numbers")
        for item in value:
            if type(item) not in (int, float) or not low <= item <= high:
                raise self._misfit(key, item, f"expected a list of numbers from {low:g} to {high:g}")
        return tuple(map(float, value))

    def size(self, key: str, high: int) -> tuple[int, int] | None:
        """A height and a width, written as one number or as two. Raises: SuiteError."""
        value = self._content.get(key)
        if value is None:
            return None
        pair = value if isinstance(value, list) else [value, value]
        if len(pair) != 2 or not all(is_whole(side, 1, high) for side in pair):
            raise self._misfit(key, value, f"expected N or [height, width], each from 1 to {high}")
        return pair[0], pair[1]

    def table(self, key: str) -> TomlTable:
        """The table of that name, empty when there is none. Raises: SuiteError for anything else."""
        value = self._content.get(key, {})
        name = self._name(key)
        if not isinstance(value, dict):
            raise self._misfit(key, value, f"expected a table that begins with [{name}]")
        return TomlTable(value, self._file, TablePlace(self._place.text, f"[{name}]", 0, self._place), name)

    def tables(self, key: str, limit: int) -> list[TomlTable]:
        """The tables of that name, at least one. Raises: SuiteError."""
        value = self._content.get(key, [])
        name = self._name(key)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self._misfit(key, value, f"expected tables that begin with [[{name}]]")
        if not 1 <= len(value) <= limit:
            raise self.fault(key, f"stands {len(value)} times", f"expected [[{name}]] 1 to {limit} times")
        places = (TablePlace(self._place.text, f"[[{name}]]", index) for index in range(len(value)))
        return [
            TomlTable(item, self._file, place, f"{name}[{place.index + 1}]")
            for item, place in zip(value, places, strict=True)
        ]

    def _name(self, key: str | None) -> str:
        return ".".join(part for part in (self._path, key) if part)

    def _items(self, key: str, limit: int, fits: Callable[[object], bool], noun: str) -> list[Any]:
        value = self._content.get(key)
        if not isinstance(value, list) or not 1 <= len(value) <= limit:
            raise self._misfit(key, value, f"expected a list of 1 to {limit} {noun}")
        for index, item in enumerate(value):
            if not fits(item):
                raise self._misfit(key, item, f"expected a list of {noun}")
            if item in value[:index]:
                raise self.fault(key, f"holds {item!r} twice", "write it once")
        return value

    def _misfit(self, key: str, value: object, cure: str) -> SuiteError:
        try:
            seen = one_line(repr(value), 60)
        except (ValueError, RecursionError):  # Python prints no number of thousands of digits
            seen = "too large to show"
        return self.fault(key, f"is {seen}", cure)


@dataclass(frozen=True, slots=True)
class TablePlace:
    """Where a table stands in the text of a file: the `index`-th (from 0) that begins with `header`; the file itself
    without a header. `outer` is the table that holds it, when keys of it may be written there: `a.b = 1`."""

    text: str
    header: str | None = None
    index: int = 0
    outer: TablePlace | None = None

    def find_line(self, key: str | None) -> int | None:
        """The number, from 1, of the line that sets `key` or opens the table of that name; else of the table's header.

        Only looked for when something is wrong: a file may hold a thousand tables.
        """
        lines = self.text.split("\n")
        start = 0
        if self.header is not None:
            plain = (re.sub(r"\s", "", line.partition("#")[0]) for line in lines)
            places = [number for number, line in enumerate(plain, 1) if line == self.header]
            if self.index >= len(places):
                return self._find_in_outer(key)
            start = places[self.index]
        name = r"\s*\.\s*".join(rf"[\"']?{re.escape(part)}[\"']?" for part in (key or "").split("."))
        for number, line in enumerate(lines[start:] if key else [], start + 1):
            if re.match(rf"\s*({name}\s*=|\[+\s*{name}\s*\])", line):
                return number
            if self.header is not None and line.lstrip().startswith("["):
                break
        return start or None

    def _find_in_outer(self, key: str | None) -> int | None:
        """A table without a header of its own: `name.key = 1`, or `name = {key = 1}`."""
        if self.outer is None or self.header is None:
            return None
        name = self.header.strip("[]").rpartition(".")[2]
        header = self.outer.find_line(None)
        dotted = self.outer.find_line(f"{name}.{key}") if key else None
        return dotted if dotted not in (None, header) else self.outer.find_line(name)


def read_toml(path: Path) -> TomlTable:
    """The file as a table.

    Raises:
        FileFault: when it can't be read.
        SuiteError: when it is too large or not TOML.
    """
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise SuiteError(f"{path} is not a file", "name a .toml file")
        if state.st_size > MAX_FILE_BYTES:
            raise SuiteError(f"{path} has {state.st_size} bytes", f"at most {MAX_FILE_BYTES} are read")
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise FileFault(f"can't read {path}: {error.strerror or error}", "check the path") from error
    except UnicodeDecodeError as error:
        raise SuiteError(f"{path}: byte {error.start} is not UTF-8", "save the file as UTF-8") from error
    for number, line in enumerate(text.split("\n"), 1):
        if line.count(".") > MAX_DOTS_IN_LINE:
            raise SuiteError(f"{path}, line {number}: more than {MAX_DOTS_IN_LINE} dots", "write it on several lines")
    try:
        return TomlTable(tomllib.loads(text), path, TablePlace(text))
    except (ValueError, RecursionError) as error:  # ValueError: a number of thousands of digits, too
        raise SuiteError(f"{path} is not TOML: {error}", "see https://toml.io") from error


def is_text(value: object, limit: int) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= limit and value.isprintable() and value.strip() == value


def is_whole(value: object, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high
