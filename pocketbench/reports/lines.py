"""The table laid flat: a line for each file on each runtime of its kind. What is filtered, sorted, grouped and picked
from is these lines, whatever is written from them."""

from __future__ import annotations

from dataclasses import dataclass

from pocketbench.reports.labels import count_things, describe_file_kind, describe_runtimes, name_devices
from pocketbench.reports.records import Cell, FileCell, FileKind, Latency, Overhead, Row, Runtime, Table

FOREIGN_GROUP = "Other files"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlatLine:
    """A file on a runtime, or a file alone where none of its kind ran: `place`, `runtime` and `cell` are then None.

    `row_index` is its place in `Table.rows`, `kind_index` in `Table.file_kinds`, `place` in `Table.runtimes`. `device`
    is what a reader sees of the device, `runtime_name` of the runtime. Values are in base units, None where not known.
    """

    row_index: int
    kind_index: int
    place: int | None
    row: Row
    kind: FileKind
    file: FileCell
    runtime: Runtime | None
    cell: Cell | None
    runtime_name: str | None
    device: str | None

    @property
    def name(self) -> str:
        """Of the spec, or of a file that somebody else made."""
        return self.row.label if self.row.spec is None else self.row.spec.name

    @property
    def network(self) -> str:
        """The network without its attention."""
        return self.row.group if self.row.group is not None else FOREIGN_GROUP

    @property
    def attention(self) -> str | None:
        return None if self.row.spec is None else self.row.spec.block

    @property
    def gate(self) -> str | None:
        """The gate function of the attention block; None where there is no block, or it has no choice."""
        return None if self.row.spec is None or self.row.spec.block is None else self.row.spec.gate

    @property
    def file_kind(self) -> str:
        """The format with its precision: "tflite fp32"."""
        return describe_file_kind(self.kind)

    @property
    def precision(self) -> str | None:
        return self.kind.precision

    @property
    def engine(self) -> str | None:
        """The runtime with its delegate: "litert xnnpack"."""
        if self.runtime is None:
            return None
        return " ".join(filter(None, [self.runtime.engine, self.runtime.delegate]))

    @property
    def thread_count(self) -> int | None:
        return None if self.runtime is None else self.runtime.thread_count

    @property
    def threads(self) -> str | None:
        """ "1 thread"; None where the engine chooses them itself."""
        return None if self.thread_count is None else count_things(self.thread_count, "thread")

    @property
    def parameter_count(self) -> int | None:
        return self.row.parameter_count

    @property
    def mac_count(self) -> int | None:
        return self.row.mac_count

    @property
    def size_bytes(self) -> int | None:
        return self.file.size_bytes

    @property
    def latency(self) -> Latency | None:
        """By the wall clock."""
        return None if self.cell is None else self.cell.wall

    @property
    def median_ns(self) -> float | None:
        return None if self.latency is None else self.latency.median_ns

    @property
    def p90_ns(self) -> float | None:
        return None if self.latency is None else self.latency.p90_ns

    @property
    def overhead(self) -> Overhead | None:
        """Over the baseline, by the wall clock."""
        return None if self.cell is None else self.cell.wall_overhead

    @property
    def overhead_ns(self) -> float | None:
        return None if self.overhead is None else self.overhead.difference_ns

    @property
    def overhead_ratio(self) -> float | None:
        return None if self.overhead is None else self.overhead.ratio

    @property
    def top1_fraction(self) -> float | None:
        """Measured of this very file."""
        return None if self.file.top1 is None else self.file.top1.accuracy.top1_fraction

    @property
    def published_fraction(self) -> float | None:
        return None if self.row.published is None else self.row.published.top1_fraction

    @property
    def notes(self) -> tuple[int, ...]:
        """Why a figure is missing, or how to read one: indexes into `Table.notes`, each once."""
        cell = self.cell.notes + self.cell.overhead_notes if self.cell is not None else ()
        row = self.row
        return tuple(dict.fromkeys(row.notes + row.measured_notes + row.published_notes + self.file.notes + cell))


def make_lines(table: Table) -> tuple[FlatLine, ...]:
    """In the order of rows, kinds of files and runtimes; a file that is not there has no line."""
    names = describe_runtimes(table.runtimes)
    keys = [(runtime.device_id, runtime.device_name) for runtime in table.runtimes]
    devices = name_devices(keys)
    lines = []
    for row_index, row in enumerate(table.rows):
        for kind_index, (kind, file) in enumerate(zip(table.file_kinds, row.files, strict=True)):
            if file.file_name is None:
                continue
            ran = [place for place, runtime in enumerate(table.runtimes) if runtime.file_kind == kind]
            places: list[int | None] = [*ran] or [None]
            lines += [
                FlatLine(
                    row_index=row_index,
                    kind_index=kind_index,
                    place=place,
                    row=row,
                    kind=kind,
                    file=file,
                    runtime=None if place is None else table.runtimes[place],
                    cell=None if place is None else row.cells[place],
                    runtime_name=None if place is None else names[place],
                    device=None if place is None else devices[keys[place]],
                )
                for place in places
            ]
    return tuple(lines)
