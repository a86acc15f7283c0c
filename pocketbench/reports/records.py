"""The table as frozen records: what every form of the report (Markdown, CSV, JSON, HTML) is written from.

`notes` of a record are indexes into `Table.notes`: why a figure is missing, or how to read one that is there.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pocketbench.core.records import Accuracy, Calibration, CoreCluster, DelegateCoverage, GraphFacts, ModelSpec, Parity
from pocketbench.reports.operator_records import OperatorBreakdown


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKind:
    """A format, a precision and what it was lowered for: only such files are compared with one another.

    `lowering` is None where it is the format's own.
    """

    format: str
    precision: str | None
    lowering: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """Where and how a latency was taken; only cells of the same runtime are compared. `input_shapes` is text, and None
    when each file ran with the shape it declares. `device_name` is what devices.toml calls the device.
    `origin` is the program that measured what was imported, and None for what was measured here."""

    device_id: str
    file_kind: FileKind
    engine: str
    delegate: str | None
    thread_count: int | None
    core_mask: int | None
    input_shapes: str | None
    device_name: str | None = field(default=None, compare=False)
    origin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TopOne:
    """A measured top-1 and its 95 % interval over pictures; no interval where their number is not known."""

    accuracy: Accuracy
    low_fraction: float | None
    high_fraction: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeds:
    """What trainings of one network by one recipe reached, by seed, in torch; `low_fraction` and `high_fraction` bound
    the 95 % interval of the mean over seeds, None for a single one."""

    mean_fraction: float
    low_fraction: float | None
    high_fraction: float | None
    fractions: tuple[float, ...]
    dataset: str
    recipe_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCell:
    """The file of a row in one format; `size_bytes` and what follows is None when there is none.

    `parity`, `graph_facts` and `calibration` are those of the file's record; None where it was not checked, its graph
    not read, or nothing calibrated.
    """

    file_name: str | None
    sha256: str | None
    size_bytes: int | None
    relative_error: float | None
    layout_operator_count: int | None
    outside_delegate_count: int | None
    top1: TopOne | None
    notes: tuple[int, ...]
    parity: Parity | None = field(default=None, metadata={"since": "0.5"})
    graph_facts: GraphFacts | None = field(default=None, metadata={"since": "0.5"})
    calibration: Calibration | None = field(default=None, metadata={"since": "0.5"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """What the settled samples of all sessions say. `low_ns` and `high_ns` bound the 95 % interval of the median,
    `spread_ratio` is the interquartile range over the median.

    `statistics` says what a sample is: an "inference", or the "mean" or "median" that a program printed of `size_low`
    to `size_high` inferences. `median_ns` is the median of the samples; where they are no inferences there is no
    percentile and no spread. `session_medians_ns` is the median of each session, in the order of the runs.
    """

    median_ns: float
    low_ns: float | None
    high_ns: float | None
    p90_ns: float | None
    spread_ratio: float | None
    sample_count: int
    session_count: int
    statistics: tuple[str, ...] = ("inference",)
    size_low: int | None = None
    size_high: int | None = None
    session_medians_ns: tuple[float, ...] = field(default=(), metadata={"since": "0.5"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """The cost over the baseline, from interleaved pairs of bursts; all zero (and a ratio of 1) for the baseline."""

    difference_ns: float
    difference_low_ns: float | None
    difference_high_ns: float | None
    ratio: float
    ratio_low: float | None
    ratio_high: float | None
    round_count: int
    session_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A row on a runtime, by wall clock and by CPU time (of the calling thread, or of the process: `cpu_clock`).

    `operators` and `coverage` are None where nobody asked for operator times, or for a runtime without a delegate.
    Sessions that failed are counted, and left out of the figures.
    """

    wall: Latency | None
    wall_overhead: Overhead | None
    cpu: Latency | None
    cpu_overhead: Overhead | None
    cpu_clock: str | None
    notes: tuple[int, ...]
    overhead_notes: tuple[int, ...]
    operators: OperatorBreakdown | None = field(default=None, metadata={"since": "0.3"})
    coverage: DelegateCoverage | None = field(default=None, metadata={"since": "0.3"})
    failed_session_count: int = field(default=0, metadata={"since": "0.3"})

    @property
    def steady_overhead(self) -> Overhead | None:
        """By CPU time where one thread computes, since that hardly sees a busy neighbour; else by the wall clock."""
        return self.cpu_overhead if self.cpu_clock == "thread" and self.cpu_overhead else self.wall_overhead


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A model variant. `spec` is None for a file that somebody else made, and `group` is then None.

    `group` names the network without its attention; rows of one group share a baseline, which is the row without
    added attention when the group has others. `files` follows `Table.file_kinds`, `cells` follows `Table.runtimes`.
    `measured` is the top-1 of the first of its files that has one; `published` what its authors print.
    """

    group: str | None
    label: str
    spec: ModelSpec | None
    is_baseline: bool
    parameter_count: int | None
    mac_count: int | None
    notes: tuple[int, ...]
    files: tuple[FileCell, ...]
    cells: tuple[Cell, ...]
    measured: TopOne | None
    measured_notes: tuple[int, ...]
    published: Accuracy | None
    published_notes: tuple[int, ...]
    seeds: Seeds | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedLatency:
    """What a source prints of a network's latency on a device, a range where it prints one. Nobody measured it here: it
    is shown beside a table and never compared with what stands in it. The other fields are those of an Accuracy."""

    backbone: str
    block: str | None
    width_ratio: float | None
    reduction_ratio: int | None
    input_size: int | None
    low_ns: int
    high_ns: int
    device: str
    runtime: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSummary:
    """The states in which a device was found before and after every session, as ranges."""

    device_id: str
    transport: str
    model: str | None
    soc: str | None
    os_version: str | None
    abi: str | None
    core_count: int | None
    memory_bytes: int | None
    cpu_models: tuple[str, ...]
    governors: tuple[str, ...]
    first_at: str
    last_at: str
    load_low: float | None
    load_high: float | None
    khz_low: int | None
    khz_high: int | None
    celsius_low: float | None
    celsius_high: float | None
    name: str | None
    clusters: tuple[CoreCluster, ...]
    battery_low: float | None
    battery_high: float | None
    thermal_statuses: tuple[int, ...]
    power_sources: tuple[str, ...]
    screens: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How often things were run; a report of several suites, or of several kinds of devices, has several."""

    session_count: int
    round_count: int
    burst_count: int
    settle_count: int
    warmup_count: int
    cooldown_s: float
    device_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Everything the report shows. `remarks` are caveats that hold for every latency in it: they are said once, at the
    top, and not at each cell. `suite` is what `--suite` was given, None for a table of anything else."""

    title: str
    file_kinds: tuple[FileKind, ...]
    runtimes: tuple[Runtime, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    remarks: tuple[str, ...]
    machines: tuple[MachineSummary, ...]
    schedules: tuple[Schedule, ...]
    tools: tuple[str, ...]
    git_commits: tuple[str, ...]
    result_count: int
    failed_count: int
    published_latencies: tuple[PublishedLatency, ...] = field(default=(), metadata={"since": "0.5"})
    suite: str | None = field(default=None, metadata={"since": "0.5"})
