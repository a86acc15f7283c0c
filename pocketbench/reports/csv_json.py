"""The table for programs: CSV with a line a file and runtime, JSON with everything. Base units, never rounded."""

from __future__ import annotations

import csv
import io
from dataclasses import fields

from pocketbench.core.jsonio import dump_record, parse_record
from pocketbench.reports.lines import make_lines
from pocketbench.reports.operator_columns import OPERATOR_COLUMNS, describe_operators
from pocketbench.reports.records import Cell, FileCell, FileKind, Latency, Overhead, Row, Runtime, Table

_ROW_COLUMNS = (
    "name",
    "backbone",
    "block",
    "width_ratio",
    "reduction_ratio",
    "gate",
    "class_count",
    "input_shape",
    "is_baseline",
    "parameter_count",
    "mac_count",
    "published_top1_fraction",
    "published_dataset",
    "published_source",
    "seeds_mean_top1_fraction",
    "seeds_low_top1_fraction",
    "seeds_high_top1_fraction",
    "seed_count",
)
_FILE_COLUMNS = (
    "format",
    "precision",
    "lowering",
    "file_name",
    "sha256",
    "size_bytes",
    "parity_relative_error",
    "top1_fraction",
    "top1_low_fraction",
    "top1_high_fraction",
    "top5_fraction",
    "dataset",
    "split",
    "image_count",
)
_RUNTIME_COLUMNS = (
    "device_name",
    "device_id",
    "engine",
    "delegate",
    "thread_count",
    "core_mask",
    "input_shapes",
    "origin",
)
_LATENCY = tuple(field.name for field in fields(Latency) if field.name != "session_medians_ns")
_OVERHEAD = tuple(field.name for field in fields(Overhead))
COLUMNS = (
    *_ROW_COLUMNS,
    *_FILE_COLUMNS,
    *_RUNTIME_COLUMNS,
    *(f"wall_{name}" for name in _LATENCY),
    *(f"wall_overhead_{name}" for name in _OVERHEAD),
    "cpu_clock",
    *(f"cpu_{name}" for name in _LATENCY),
    *(f"cpu_overhead_{name}" for name in _OVERHEAD),
    *OPERATOR_COLUMNS,
    "notes",
)


def format_json(table: Table) -> str:
    """The table as one JSON text; `parse_json` reads it back."""
    return dump_record(table) + "\n"


def parse_json(text: str, where: str) -> Table:
    """Raises: FileFault, which names `where` and the key, when the text is not a table."""
    return parse_record(text, Table, where)


def format_csv(table: Table) -> str:
    """A line for each file on each runtime of its kind, or for the file alone where there is none. Unknown is empty."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for line in make_lines(table):
        described = _describe_row(line.row) | _describe_file(line.kind, line.file)
        if line.runtime is not None and line.cell is not None:
            described |= _describe_cell(line.runtime, line.cell)
        described["notes"] = " | ".join(table.notes[index] for index in line.notes)
        writer.writerow({name: _to_safe_text(value) for name, value in described.items()})
    return stream.getvalue()


def _describe_row(row: Row) -> dict[str, object]:
    spec, published, seeds = row.spec, row.published, row.seeds
    described: dict[str, object] = {"name": row.label if spec is None else spec.name, "is_baseline": row.is_baseline}
    described |= {"parameter_count": row.parameter_count, "mac_count": row.mac_count}
    if spec is not None:
        names = ("backbone", "block", "width_ratio", "reduction_ratio", "gate", "class_count")
        described |= {name: getattr(spec, name) for name in names}
        described["input_shape"] = "x".join(map(str, spec.input_shape))
    if published is not None:
        described |= {"published_top1_fraction": published.top1_fraction, "published_dataset": published.dataset}
        described["published_source"] = published.source
    if seeds is not None:
        described |= {"seeds_mean_top1_fraction": seeds.mean_fraction, "seed_count": len(seeds.fractions)}
        described |= {"seeds_low_top1_fraction": seeds.low_fraction, "seeds_high_top1_fraction": seeds.high_fraction}
    return described


def _describe_file(kind: FileKind, file: FileCell) -> dict[str, object]:
    described: dict[str, object] = {
        "format": kind.format,
        "precision": kind.precision,
        "lowering": kind.lowering or kind.format,
        "file_name": file.file_name,
        "sha256": file.sha256,
        "size_bytes": file.size_bytes,
        "parity_relative_error": file.relative_error,
    }
    if file.top1 is not None:
        accuracy = file.top1.accuracy
        described |= {"top1_low_fraction": file.top1.low_fraction, "top1_high_fraction": file.top1.high_fraction}
        names = ("top1_fraction", "top5_fraction", "dataset", "split", "image_count")
        described |= {name: getattr(accuracy, name) for name in names}
    return described


def _describe_cell(runtime: Runtime, cell: Cell) -> dict[str, object]:
    described: dict[str, object] = {name: getattr(runtime, name) for name in _RUNTIME_COLUMNS}
    described["cpu_clock"] = cell.cpu_clock
    for prefix, names, summary in (
        ("wall_", _LATENCY, cell.wall),
        ("wall_overhead_", _OVERHEAD, cell.wall_overhead),
        ("cpu_", _LATENCY, cell.cpu),
        ("cpu_overhead_", _OVERHEAD, cell.cpu_overhead),
    ):
        described |= {prefix + name: _to_cell(getattr(summary, name, None)) for name in names}
    return described | describe_operators(cell)


def _to_cell(value: object) -> object:
    return ", ".join(value) if isinstance(value, tuple) else value


def _to_safe_text(value: object) -> object:
    # A spreadsheet runs a text that begins like a formula; file names and messages come from anywhere.
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value
