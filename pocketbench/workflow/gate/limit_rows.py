"""The [gate] table of a suite's file, checked strictly: a limit that guards nothing is an error."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pocketbench.core.errors import nearest_name_hint
from pocketbench.core.model_files import SUFFIXES
from pocketbench.workflow.gate.limits import (
    DELEGATE_FORMAT,
    DELEGATE_KEYS,
    FILE_KEYS,
    RUN_KEYS,
    CellLimits,
    GateTable,
    Limits,
)
from pocketbench.workflow.toml_tables import TomlTable

MAX_ROWS = 1000
MAX_COUNT = 10**15
MIN_MS = 1e-6
MAX_MS = 1e6
MIN_LATENCY_RATIO = 1.001
"""No duel resolves less; who writes 0.03 for 3% meets this too."""
MAX_RATIO = 100.0

COUNT_KEYS = (
    *("partition_count", "outside_delegate_count", "layout_operator_count"),
    *("parameter_count", "mac_count", "size_bytes"),
)
SELECTOR_KEYS = ("model", "format", "engine", "device")


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteCells:
    """What a suite runs, by name: only that can be guarded. `engines`: engine -> the suffixes that it runs."""

    models: Collection[str]
    formats: Collection[str]
    engines: dict[str, tuple[str, ...]]
    devices: Collection[str]

    def list_engines(self, format: str | None, engine: str | None) -> list[str]:
        """The engines that run files of this format (None: of any of the suite), among those meant by `engine`."""
        suffixes = {SUFFIXES[name] for name in self.formats if format in (None, name)}
        return [name for name, runs in self.engines.items() if engine in (None, name) and suffixes.intersection(runs)]


def parse_gate(table: TomlTable, suite: SuiteCells) -> GateTable:
    """The limits that the table [gate] sets. Raises: SuiteError; names file, line and key."""
    table.refuse_unknown((*FILE_KEYS, *RUN_KEYS, "cell"))
    _check_delegate_keys(table, suite.formats)
    values = _parse_values(table, suite, list(suite.engines))
    rows = table.tables("cell", MAX_ROWS) if "cell" in table else []
    return GateTable(limits=replace(Limits(), **values), cells=tuple(_parse_row(row, suite) for row in rows))


def _parse_row(table: TomlTable, suite: SuiteCells) -> CellLimits:
    table.refuse_unknown((*SELECTOR_KEYS, *FILE_KEYS, *RUN_KEYS))
    known = {"model": suite.models, "format": suite.formats, "engine": suite.engines, "device": suite.devices}
    named = {key: _parse_name(table, key, known[key]) for key in SELECTOR_KEYS if key in table}
    if not named:
        raise table.fault(None, "names no cell", f"write one of {', '.join(SELECTOR_KEYS)}; or move it to [gate]")
    set_keys = [key for key in (*FILE_KEYS, *RUN_KEYS) if key in table]
    if not set_keys:
        raise table.fault(None, "sets no limit", f"known: {', '.join((*RUN_KEYS, *FILE_KEYS))}")
    _check_delegate_keys(table, [named["format"]] if "format" in named else suite.formats)
    engines = suite.list_engines(named.get("format"), named.get("engine"))
    narrow = [selector for selector in ("engine", "device") if selector in named]
    for key in set_keys:
        if key in FILE_KEYS and narrow:
            raise table.fault(
                key,
                f"would guard nothing: it is a limit of the file, which no {narrow[0]} changes",
                f"set it in a row without {' and '.join(narrow)}",
            )
        if key in RUN_KEYS and not engines:
            asked = ", ".join(f"{selector} {name}" for selector, name in named.items())
            raise table.fault(key, f"would guard nothing: no engine of the suite runs {asked}", "change the row")
    return CellLimits(**named, values=_parse_values(table, suite, engines))


def _check_delegate_keys(table: TomlTable, formats: Collection[str]) -> None:
    for key in DELEGATE_KEYS:
        if key in table and DELEGATE_FORMAT not in formats:
            raise table.fault(
                key, f"would guard nothing: only {DELEGATE_FORMAT} files have a delegate's counts", "take it out"
            )


def _parse_name(table: TomlTable, key: str, known: Collection[str]) -> str:
    name = table.text(key, limit=500) or ""
    if name not in known:
        raise table.fault(key, f"is {name!r}: the suite has no such {key}", nearest_name_hint(name, sorted(known)))
    return name


def _parse_values(table: TomlTable, suite: SuiteCells, engines: Sequence[str]) -> dict[str, Any]:
    """The limits that stand in a table, by field of Limits; `engines` run its cells."""
    read: dict[str, Any] = {
        "latency_ratio": table.number("latency_ratio", MIN_LATENCY_RATIO, MAX_RATIO),
        "peak_rss_ratio": table.number("peak_rss_ratio", 1, MAX_RATIO),
        "parity_error": table.number("parity_error", 0, 1000),
    }
    read |= {key: table.whole(key, 0, MAX_COUNT) for key in COUNT_KEYS}
    read |= {key: table.number(key, 0.01, MAX_RATIO) for key in ("parameter_ratio", "mac_ratio", "size_ratio")}
    if "same_operators" in table:
        read["same_operators"] = table.truth("same_operators")
    if "absolute_ms" in table:
        read["absolute_ms"] = _parse_absolute(table.table("absolute_ms"), suite, engines)
    return {key: value for key, value in read.items() if value is not None}


def _parse_absolute(table: TomlTable, suite: SuiteCells, engines: Sequence[str]) -> dict[str, float]:
    table.refuse_unknown(suite.engines)
    for engine in suite.engines:
        if engine in table and engine not in engines:
            raise table.fault(engine, "would guard nothing: that engine runs no cell of this row", "change the row")
    limits = {engine: table.number(engine, MIN_MS, MAX_MS) for engine in engines}
    found = {engine: limit for engine, limit in limits.items() if limit is not None}
    if not found:
        raise table.fault(None, "names no engine", f"write absolute_ms.{engines[0] if engines else 'ENGINE'} = 6.0")
    return found
