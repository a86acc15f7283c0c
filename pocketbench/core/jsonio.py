"""Records as strict, versioned JSON: `{"format": 1, "kind": "RunResult", "data": {...}}`.

An unknown key, a missing key, another kind, a value of the wrong type or a newer format is an error that names the
file and the key. Reading is driven by the records' own type hints, so that a record is declared once. A field that a
record got later says so in its metadata, {"since": version}: older records lack it and get its default.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import os
import tempfile
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pocketbench.core.errors import FileFault, nearest_name_hint
from pocketbench.core.samples import Samples

FORMAT_VERSION = 1

Record = TypeVar("Record")
Parser = Callable[[Any, str, str], Any]
"""A value, the file and the key -> the value as a record holds it; raises FileFault."""


_SCALARS = frozenset({str, int, float, bool, type(None)})


def to_plain(value: Any) -> Any:
    """A record, or a container of records, as dicts, lists and scalars."""
    if type(value) in _SCALARS:
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    return value.to_list() if isinstance(value, Samples) else value


def dump_record(record: Any) -> str:
    """The record as one JSON text, keys in the order of the fields."""
    envelope = {"format": FORMAT_VERSION, "kind": type(record).__name__, "data": to_plain(record)}
    return json.dumps(envelope, allow_nan=False)  # ASCII: a file name that is not UTF-8 survives as \udcXX


def parse_record(text: str, kind: type[Record], where: str) -> Record:
    """The record that `dump_record` wrote.

    Args:
        kind: the record class expected.
        where: the file, or another name of the place, for messages.

    Raises:
        FileFault: when the text is not JSON, or is not such a record.
    """
    try:
        envelope = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise FileFault(f"{where}: not JSON ({error})", "delete the file and let it be written anew") from error
    if not isinstance(envelope, dict) or set(envelope) != {"format", "kind", "data"}:
        raise FileFault(f"{where}: expected the keys format, kind, data", "it is not a record of pocketbench")
    if envelope["format"] != FORMAT_VERSION:
        raise FileFault(
            f"{where}: format {envelope['format']!r}, this version reads {FORMAT_VERSION}", "update pocketbench"
        )
    if envelope["kind"] != kind.__name__:
        raise FileFault(f"{where}: holds a {envelope['kind']!r}", f"expected a {kind.__name__}")
    return typing.cast(Record, from_plain(envelope["data"], kind, where, "data"))


def decode(text: str) -> Any:
    """What a JSON text without space around it says.

    Raises:
        ValueError, RecursionError: when it is not JSON, or holds what is no number.
    """
    value, end = _DECODER.raw_decode(text)
    if end != len(text):
        raise ValueError("more follows")
    return value


def write_text(path: Path, text: str) -> None:
    """`write_bytes` of the text as UTF-8."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write beside `path`, then rename: a reader sees the old file or the new one, never half of it.

    Raises:
        FileFault: when the folder can't be written or the disk is full.
    """
    scratch = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(scratch).chmod(0o644)
        Path(scratch).replace(path)
    except OSError as error:
        raise FileFault(f"can't write {path}: {error.strerror or error}", "check the folder and free space") from error
    finally:
        if scratch is not None:
            Path(scratch).unlink(missing_ok=True)


def write_texts(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write several files, by name; each appears whole or not at all. Raises: FileFault."""
    for name, text in texts.items():
        write_text(folder / name, text)
    return [folder / name for name in texts]


def write_record(path: Path, record: Any) -> None:
    write_text(path, dump_record(record) + "\n")


def read_record(path: Path, kind: type[Record]) -> Record:
    """Raises: FileFault when the file can't be read or is not such a record."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileFault(f"can't read {path}: {error}", "check the path") from error
    return parse_record(text, kind, str(path))


def from_plain(value: Any, expected: Any, where: str, key: str) -> Any:
    """`value` as the type `expected`; raises FileFault that names `where` and `key` when it does not fit."""
    return make_parser(expected)(value, where, key)


@functools.cache
def make_parser(expected: Any) -> Parser:
    """The parser of a type hint, as `from_plain`: what the hint says is looked up once, and not for each value."""
    origin = typing.get_origin(expected)
    if origin in (types.UnionType, typing.Union):
        return _make_union_parser(typing.get_args(expected))
    if origin in (tuple, Sequence):  # a list in JSON, and a tuple when it has been read
        return _make_tuple_parser(expected)
    if origin is dict:
        return _make_table_parser(typing.get_args(expected)[1])
    if dataclasses.is_dataclass(expected) and isinstance(expected, type):
        return _make_record_parser(expected)
    return _make_scalar_parser(expected)


def _make_scalar_parser(expected: Any) -> Parser:
    name = getattr(expected, "__name__", str(expected))

    def parse(value: Any, where: str, key: str) -> Any:
        if expected is float and type(value) is int and abs(value) < 2**1023:
            return float(value)
        if isinstance(expected, type) and type(value) is expected and value not in (math.inf, -math.inf):
            return value
        raise _misfit(value, name, where, key)

    return parse


def _make_union_parser(options: tuple[Any, ...]) -> Parser:
    known = tuple(option for option in options if option is not type(None))
    has_none = len(known) < len(options)
    only = make_parser(known[0]) if len(known) == 1 else None

    def parse(value: Any, where: str, key: str) -> Any:
        if value is None and has_none:
            return None
        if only is not None:
            return only(value, where, key)
        for option in known:
            if type(value) is option:
                return value
        raise _misfit(value, " or ".join(option.__name__ for option in known), where, key)

    return parse


def _make_table_parser(item_type: Any) -> Parser:
    parse_item = make_parser(item_type)

    def parse(value: Any, where: str, key: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _misfit(value, "a table", where, key)
        return {name: parse_item(item, where, f"{key}.{name}") for name, item in value.items()}

    return parse


def _make_tuple_parser(expected: Any) -> Parser:
    item_type, *others = typing.get_args(expected)
    if others != ([Ellipsis] if typing.get_origin(expected) is tuple else []):
        raise TypeError(f"records hold tuples of one type and any length, not {expected}")
    parse_item = make_parser(item_type)

    def parse(value: Any, where: str, key: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise _misfit(value, "a list", where, key)
        if item_type is int and all(type(item) is int for item in value):  # samples: thousands of them
            return tuple(value)
        return tuple([parse_item(item, where, f"{key}[{index}]") for index, item in enumerate(value)])

    return parse


def _make_record_parser(kind: type) -> Parser:
    hints = typing.get_type_hints(kind)
    names = hints.keys()
    later = {field.name for field in dataclasses.fields(kind) if "since" in field.metadata}
    # what a value may be by its type alone: most are, and need no parser; floats do, since one may be infinite
    exact = {name: _list_exact_types(hint) for name, hint in hints.items()}
    parsers = {name: make_parser(hint) for name, hint in hints.items()}

    def parse(value: Any, where: str, key: str) -> Any:
        if not isinstance(value, dict):
            raise _misfit(value, f"a {kind.__name__}", where, key)
        if value.keys() != names:
            for name in value:
                if name not in hints:
                    raise FileFault(f"{where}: unknown key {key}.{name}", nearest_name_hint(name, sorted(hints)))
            for name in hints:
                if name not in value and name not in later:
                    raise FileFault(f"{where}: missing key {key}.{name}", f"a {kind.__name__} needs it")
        known = {
            name: item if type(item) in exact[name] else parsers[name](item, where, f"{key}.{name}")
            for name, item in value.items()
        }
        return kind(**known)

    return parse


def _list_exact_types(hint: Any) -> frozenset[type]:
    options = typing.get_args(hint) if typing.get_origin(hint) in (types.UnionType, typing.Union) else (hint,)
    return frozenset(options) if set(options) <= {str, int, bool, type(None)} else frozenset()


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _misfit(value: Any, expected: str, where: str, key: str) -> FileFault:
    return FileFault(f"{where}: {key} is {value!r}", f"expected {expected}")
