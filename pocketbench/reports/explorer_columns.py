"""The columns of the table of all results: what stands in a cell, and the number or word that it is sorted and filtered
by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pocketbench.core.units import (
    format_bytes,
    format_count,
    format_ms,
    format_percent,
    format_ratio,
    format_signed_ms,
)
from pocketbench.reports.lines import FlatLine
from pocketbench.reports.records import Latency, Overhead, TopOne
from pocketbench.reports.sheets import EMPTY

_NS_PER_MS = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A cell: its text, smaller lines under it, and `number`, which it is sorted by; None where nothing is known.
    `notes` say why. `is_rough` is a number that is not weighed against the others of its column."""

    text: str
    detail: str = ""
    number: float | None = None
    notes: tuple[int, ...] = ()
    is_rough: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplorerColumn:
    """A column. `is_word` ones are filtered and grouped by; of the others `limit` is the bound that can be set,
    "max" or "min", and `is_merit` says that more is better."""

    key: str
    head: str
    read: Callable[[FlatLine], Value]
    is_word: bool = False
    is_merit: bool = False
    limit: str | None = None
    unit: str = ""


def list_columns(lines: Sequence[FlatLine]) -> list[ExplorerColumn]:
    """The columns behind the model's name; a top-1 that no line has been given has none."""
    has_measured = any(line.top1_fraction is not None for line in lines)
    has_published = any(line.published_fraction is not None for line in lines)
    columns = [
        ExplorerColumn(key="attention", head="Attention", read=_read_attention, is_word=True),
        ExplorerColumn(key="gate", head="Gate", read=lambda line: _word(line.gate), is_word=True),
        ExplorerColumn(key="precision", head="Precision", read=lambda line: _word(line.precision), is_word=True),
        ExplorerColumn(key="file", head="File", read=_read_format, is_word=True),
        ExplorerColumn(key="runtime", head="Runtime", read=_read_engine, is_word=True),
        ExplorerColumn(key="device", head="Device", read=lambda line: _word(line.device), is_word=True),
        ExplorerColumn(key="threads", head="Threads", read=_read_threads, is_word=True),
        ExplorerColumn(key="parameters", head="Param.", read=lambda line: _count(line.parameter_count)),
        ExplorerColumn(key="macs", head="M-Adds", read=lambda line: _count(line.mac_count)),
        ExplorerColumn(key="size", head="Size", read=_read_size),
        ExplorerColumn(key="median", head="Latency, ms", read=_read_median, limit="max", unit="ms"),
        ExplorerColumn(key="p90", head="p90, ms", read=_read_p90),
        ExplorerColumn(key="overhead", head="Overhead, ms", read=_read_overhead),
    ]
    most = max((_count_pictures(line) for line in lines), default=0)
    measured = ExplorerColumn(
        key="measured",
        head="Top-1 measured",
        read=lambda line: _read_measured(line, most),
        is_merit=True,
        limit="min",
        unit="%",
    )
    published = ExplorerColumn(
        key="published",
        head="Top-1 published",
        read=_read_published,
        is_merit=True,
        limit=None if has_measured else "min",
        unit="%",
    )
    return [*columns, *([measured] if has_measured else []), *([published] if has_published else [])]


def _word(text: str | None) -> Value:
    return Value(text=EMPTY if text is None else text)


def _read_attention(line: FlatLine) -> Value:
    return Value(text=EMPTY if line.row.spec is None else line.attention or "none")


def _read_format(line: FlatLine) -> Value:
    return Value(text=line.kind.lowering or line.kind.format)


def _read_engine(line: FlatLine) -> Value:
    if line.runtime is None:
        return Value(text=EMPTY)
    extras = [line.runtime.input_shapes, f"imported from {line.runtime.origin}" if line.runtime.origin else None]
    return Value(text=line.engine or EMPTY, detail=", ".join(filter(None, extras)))


def _read_threads(line: FlatLine) -> Value:
    if line.thread_count is None:
        return Value(text=EMPTY)
    return Value(text=str(line.thread_count), number=line.thread_count)


def _count(count: int | None) -> Value:
    return Value(text=EMPTY) if count is None else Value(text=format_count(count), number=count)


def _read_size(line: FlatLine) -> Value:
    size = line.size_bytes
    return Value(text=EMPTY) if size is None else Value(text=format_bytes(size), number=size)


def _read_median(line: FlatLine) -> Value:
    wall = line.latency
    if wall is None:
        return Value(text=EMPTY, notes=line.cell.notes if line.cell is not None else ())
    return Value(text=_ms(wall.median_ns), detail=_span_latency(wall), number=wall.median_ns / _NS_PER_MS)


def _span_latency(wall: Latency) -> str:
    return "" if wall.low_ns is None or wall.high_ns is None else f"{_ms(wall.low_ns)} to {_ms(wall.high_ns)}"


def _read_p90(line: FlatLine) -> Value:
    p90_ns = line.p90_ns
    return Value(text=EMPTY) if p90_ns is None else Value(text=_ms(p90_ns), number=p90_ns / _NS_PER_MS)


def _read_overhead(line: FlatLine) -> Value:
    overhead = line.overhead
    if overhead is None:
        return Value(text=EMPTY, notes=line.cell.overhead_notes if line.cell is not None else ())
    return Value(
        text=format_signed_ms(overhead.difference_ns, unit=False),
        detail=_describe_ratio(overhead),
        number=overhead.difference_ns / _NS_PER_MS,
    )


def _describe_ratio(overhead: Overhead) -> str:
    return "" if overhead.round_count == 0 else format_ratio(overhead.ratio)


def _count_pictures(line: FlatLine) -> int:
    return 0 if line.file.top1 is None else line.file.top1.accuracy.image_count or 0


def _read_measured(line: FlatLine, most: int) -> Value:
    """Args: most: the pictures that any file was judged by; one that saw fewer is no rival of those."""
    top1 = line.file.top1
    if top1 is None:
        return Value(text=EMPTY)
    count = _count_pictures(line)
    is_rough = 0 < count < most
    return Value(
        text=format_percent(top1.accuracy.top1_fraction),
        detail="\n".join(filter(None, [_span_top1(top1), f"{count:,} pictures" if is_rough else ""])),
        number=100 * top1.accuracy.top1_fraction,
        is_rough=is_rough,
    )


def _span_top1(top1: TopOne) -> str:
    low, high = top1.low_fraction, top1.high_fraction
    return "" if low is None or high is None else f"{100 * low:.1f} to {100 * high:.1f}"


def _read_published(line: FlatLine) -> Value:
    fraction = line.published_fraction
    return Value(text=EMPTY) if fraction is None else Value(text=format_percent(fraction), number=100 * fraction)


def _ms(ns: float) -> str:
    return format_ms(ns, unit=False)
