"""What head may differ from base by: the values of a suite's [gate] table, and the rows that narrow them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

DEFAULT_LATENCY_RATIO = 1.015
"""A slowdown beyond this is red."""

DEFAULT_PEAK_RSS_RATIO = 1.10
"""Peak memory moves by 2% from process to process with nothing changed (run_checks.py)."""

FILE_KEYS = (
    *("partition_count", "outside_delegate_count", "layout_operator_count", "parameter_count", "mac_count"),
    *("size_bytes", "parity_error", "parameter_ratio", "mac_ratio", "size_ratio", "same_operators"),
)
"""Limits of a file, whatever runs it."""

DELEGATE_KEYS = ("partition_count", "outside_delegate_count")
"""Those that files of DELEGATE_FORMAT alone have."""
DELEGATE_FORMAT = "tflite"

RUN_KEYS = ("latency_ratio", "peak_rss_ratio", "absolute_ms")
"""Limits of a file on an engine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one cell. None: there is no such limit.

    The `_count`s, `size_bytes` and `parity_error` are the largest values that head may have, the `_ratio`s the largest
    of head over base. `absolute_ms` is engine -> the most that head may take there, in ms, caches warm.
    `same_operators` forbids that the number of operators of any type changes.
    """

    latency_ratio: float = DEFAULT_LATENCY_RATIO
    peak_rss_ratio: float = DEFAULT_PEAK_RSS_RATIO
    absolute_ms: dict[str, float] = field(default_factory=dict)
    partition_count: int | None = None
    outside_delegate_count: int | None = None
    layout_operator_count: int | None = None
    parameter_count: int | None = None
    mac_count: int | None = None
    size_bytes: int | None = None
    parity_error: float | None = None
    parameter_ratio: float | None = None
    mac_ratio: float | None = None
    size_ratio: float | None = None
    same_operators: bool = False

    def narrow(self, values: dict[str, Any]) -> Limits:
        """These limits with some replaced, by the names of the fields; of `absolute_ms` the engines that are named."""
        absolute_ms = self.absolute_ms | values.get("absolute_ms", {})
        return replace(self, **{**values, "absolute_ms": absolute_ms})


@dataclass(frozen=True, slots=True, kw_only=True)
class CellLimits:
    """A row [[gate.cell]]: the cells that it is for (None: any), and what it sets there, by field of Limits."""

    model: str | None = None
    format: str | None = None
    engine: str | None = None
    device: str | None = None
    values: dict[str, Any]

    def covers(self, model: str, format: str, engine: str | None, device: str | None) -> bool:
        asked = ((self.model, model), (self.format, format), (self.engine, engine), (self.device, device))
        return all(named is None or named == given for named, given in asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateTable:
    """The [gate] table of a suite. Without one every limit has its default."""

    limits: Limits = field(default_factory=Limits)
    cells: tuple[CellLimits, ...] = ()

    def find(self, model: str, format: str, engine: str | None = None, device: str | None = None) -> Limits:
        """The limits of a cell: those of the table, then of each row that covers the cell; a later row wins.

        Args:
            model: the name of a model (Artifact.model_name).
            format: of its file (Artifact.format).
            engine: None for a file by itself; no row that names an engine covers it.
            device: the name that the suite has for it; None as `engine`.
        """
        limits = self.limits
        for row in self.cells:
            if row.covers(model, format, engine, device):
                limits = limits.narrow(row.values)
        return limits
