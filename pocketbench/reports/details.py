"""All that is known of one line of the table, in parts with a title each: what a reader gets who asks for more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pocketbench.core.records import Accuracy, Calibration, Parity, TensorFacts
from pocketbench.core.units import (
    format_bytes,
    format_count,
    format_error,
    format_ms,
    format_part_ms,
    format_percent,
    format_ratio,
    format_signed_ms,
)
from pocketbench.reports.conditions_text import describe_machine
from pocketbench.reports.labels import count_things, format_sample_count, name_latency
from pocketbench.reports.lines import FlatLine
from pocketbench.reports.operator_records import OperatorBreakdown
from pocketbench.reports.operator_sheets import HOW_TO_GET, name_stages
from pocketbench.reports.operator_text import name_kind
from pocketbench.reports.records import Latency, Overhead, Seeds, Table, TopOne
from pocketbench.reports.sheets import EMPTY, Column, Entry, Line, Sheet

Property = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Properties, then sentences, then sheets. `more` is the anchor of a sheet that stands elsewhere on the page."""

    title: str
    properties: tuple[Property, ...] = ()
    sentences: tuple[str, ...] = ()
    sheets: tuple[Sheet, ...] = ()
    more: str | None = None


_NOT_TAKEN = Part(title="Where the time goes", sentences=(HOW_TO_GET,))


class PartMaker:
    """Makes the parts of the lines of a table. What several lines have in common is one object."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._by_file: dict[tuple[int, int], tuple[Part, Part, Part]] = {}
        self._by_device: dict[str | None, Part] = {}
        self._notes: dict[tuple[tuple[int, ...], bool], Part] = {}

    def make(self, line: FlatLine) -> list[Part]:
        """The latency, the accuracy, the file and its graph, where the time goes, the conditions and the notes of a
        line; what a line has none of is left out."""
        accuracy, file, graph = self._describe_file(line)
        parts = [
            _describe_latency(line),
            accuracy,
            file,
            graph,
            _describe_operators(line),
            self._describe_conditions(line),
            self._describe_notes(line),
        ]
        return [part for part in parts if part.properties or part.sentences or part.sheets or part.more]

    def _describe_file(self, line: FlatLine) -> tuple[Part, Part, Part]:
        key = (line.row_index, line.kind_index)
        if key not in self._by_file:
            self._by_file[key] = (_describe_accuracy(line), _describe_file(line), _describe_graph(line))
        return self._by_file[key]

    def _describe_conditions(self, line: FlatLine) -> Part:
        key = None if line.runtime is None else line.runtime.device_id
        if key not in self._by_device:
            self._by_device[key] = _describe_conditions(self._table, line)
        return self._by_device[key]

    def _describe_notes(self, line: FlatLine) -> Part:
        key = (line.notes, line.latency is not None)
        if key not in self._notes:
            remarks = self._table.remarks if line.latency is not None else ()
            sentences = (*(self._table.notes[index] for index in line.notes), *remarks)
            self._notes[key] = Part(title="Notes", sentences=sentences)
        return self._notes[key]


def _describe_latency(line: FlatLine) -> Part:
    wall = line.latency
    if wall is None or line.cell is None:
        return Part(title="Latency")
    properties = [
        (name_latency([wall]).capitalize(), format_ms(wall.median_ns)),
        ("95 % interval", _span_ms(wall.low_ns, wall.high_ns)),
        ("90th percentile", _optional(format_ms, wall.p90_ns)),
        ("Spread", _optional(format_percent, wall.spread_ratio)),
        ("By session", _list_sessions(wall)),
        ("Samples", f"{format_sample_count(wall)} in {count_things(wall.session_count, 'session')}"),
        *_describe_overhead("Overhead", line.cell.wall_overhead),
    ]
    if line.cell.cpu is not None:
        properties.append((f"CPU time of the {line.cell.cpu_clock}", format_ms(line.cell.cpu.median_ns)))
        properties += _describe_overhead("Overhead in CPU time", line.cell.cpu_overhead)
    return Part(title="Latency", properties=_known(properties))


def _list_sessions(wall: Latency) -> str:
    return ", ".join(format_ms(ns, unit=False) for ns in wall.session_medians_ns) + " ms"


def _describe_overhead(name: str, overhead: Overhead | None) -> list[Property]:
    if overhead is None:
        return []
    if overhead.round_count == 0:
        return [(name, "none: this is the baseline")]
    text = f"{format_signed_ms(overhead.difference_ns)} ({format_ratio(overhead.ratio)})"
    low, high = overhead.difference_low_ns, overhead.difference_high_ns
    if low is not None and high is not None:
        text += f", 95 % interval {format_signed_ms(low, unit=False)} to {format_signed_ms(high)}"
    pairs = f", {count_things(overhead.round_count, 'pair')} of bursts"
    return [(name, text + pairs)]


def _describe_accuracy(line: FlatLine) -> Part:
    properties: list[Property] = []
    if line.file.top1 is not None:
        properties += _describe_measured(line.file.top1)
    if line.row.seeds is not None:
        properties += _describe_seeds(line.row.seeds)
    published = line.row.published
    if published is not None:
        properties.append(("Top-1, published", f"{format_percent(published.top1_fraction)} ({published.dataset})"))
        properties.append(("Source", published.source))
    return Part(title="Accuracy", properties=_known(properties))


def _describe_measured(top1: TopOne) -> list[Property]:
    accuracy = top1.accuracy
    text = format_percent(accuracy.top1_fraction)
    if top1.low_fraction is not None and top1.high_fraction is not None:
        text += f", 95 % interval {_span(format_percent, top1.low_fraction, top1.high_fraction)}"
    return [
        ("Top-1, measured", text),
        ("Top-5", _optional(format_percent, accuracy.top5_fraction)),
        ("Data set", f"{accuracy.dataset}, {accuracy.split}"),
        ("Pictures", _describe_pictures(accuracy)),
        ("Judged by", accuracy.engine or EMPTY),
    ]


def _describe_pictures(accuracy: Accuracy) -> str:
    if accuracy.image_count is None:
        return EMPTY
    text = f"{accuracy.image_count:,}"
    if accuracy.split_count is not None:
        text += f" of {accuracy.split_count:,}"
    unread = accuracy.unreadable_count
    return f"{text}; {unread} can't be read" if unread else text


def _describe_seeds(seeds: Seeds) -> list[Property]:
    mean = format_percent(seeds.mean_fraction)
    if seeds.low_fraction is not None and seeds.high_fraction is not None:
        mean += f", 95 % interval {_span(format_percent, seeds.low_fraction, seeds.high_fraction)}"
    each = ", ".join(f"{100 * fraction:.2f}" for fraction in seeds.fractions)
    return [("Mean of seeds, in torch", mean), ("By seed", f"{each} % on {seeds.dataset}")]


def _describe_file(line: FlatLine) -> Part:
    row, file = line.row, line.file
    properties = [
        ("Name", file.file_name or EMPTY),
        ("Kind", line.file_kind),
        ("Size", _optional(format_bytes, file.size_bytes)),
        ("SHA-256", file.sha256 or EMPTY),
        ("Parameters", _describe_count(row.parameter_count)),
        ("M-Adds", _describe_count(row.mac_count)),
        ("Compared with", _describe_reference(file.parity)),
        ("Largest error", _describe_error(file.parity)),
        ("Calibrated on", _describe_calibration(file.calibration)),
    ]
    return Part(title="Model and file", properties=_known(properties))


def _describe_reference(parity: Parity | None) -> str:
    if parity is None:
        return "not checked"
    return f"{parity.reference}, run by {parity.runtime} on {count_things(parity.input_count, 'input')}"


def _describe_calibration(calibration: Calibration | None) -> str:
    if calibration is None:
        return EMPTY
    where = " ".join(filter(None, [calibration.dataset, calibration.split]))
    return f"{calibration.image_count:,} {where or calibration.source}"


def _describe_error(parity: Parity | None) -> str:
    if parity is None:
        return EMPTY
    relative, most = format_error(parity.relative_error), format_error(parity.relative_tolerance)
    return f"{relative} of what inputs change in the output; {most} is allowed"


def _describe_graph(line: FlatLine) -> Part:
    facts = line.file.graph_facts
    if facts is None:
        return Part(title="Graph")
    counts = sorted(facts.operator_counts.items(), key=lambda item: (-item[1], item[0]))
    properties = [
        ("Parameters in the file", _describe_count(facts.parameter_count)),
        ("M-Adds in the file", _describe_count(facts.mac_count)),
        ("Operators", str(sum(facts.operator_counts.values()))),
        ("Of them layout", str(facts.layout_operator_count)),
        ("Outside the delegate", _optional(str, facts.outside_delegate_count)),
        ("Partitions", _optional(str, facts.partition_count)),
        ("Inputs", _describe_tensors(facts.inputs)),
        ("Outputs", _describe_tensors(facts.outputs)),
        ("Shapes", "some are open" if facts.dynamic_shapes else "all fixed"),
        ("Operator types", ", ".join(f"{count} {name}" for name, count in counts)),
    ]
    return Part(title="Graph", properties=_known(properties))


def _describe_tensors(tensors: Sequence[TensorFacts]) -> str:
    def describe(tensor: TensorFacts) -> str:
        sizes = " x ".join("?" if size is None else str(size) for size in tensor.shape)
        return f"{tensor.name} {sizes} {tensor.dtype}"

    return "; ".join(map(describe, tensors)) or EMPTY


def _describe_operators(line: FlatLine) -> Part:
    title = _NOT_TAKEN.title
    if line.cell is None or line.latency is None:
        return Part(title=title)
    operators = line.cell.operators
    if operators is None:
        return _NOT_TAKEN
    more = name_stages(line.place, line.row_index) if operators.stages and line.place is not None else None
    return Part(title=title, sheets=(_make_kind_sheet(operators),), more=more)


def _make_kind_sheet(operators: OperatorBreakdown) -> Sheet:
    """A line a kind of operator: what the attention blocks' own take, what the network's take."""
    attention = {item.kind: item for item in operators.attention_kinds}
    network = {item.kind: item for item in operators.network_kinds}
    has_attention = bool(operators.sites)
    lines = []
    for kind in dict.fromkeys((*network, *attention)):
        items = [item for item in (attention.get(kind), network.get(kind)) if item is not None]
        types = dict.fromkeys(name for item in items for name in item.types)
        own = [attention[kind].time_ns if kind in attention else 0.0] if has_attention else []
        times = [*own, network[kind].time_ns if kind in network else 0.0]
        lines.append(_make_kind_line(name_kind(kind, list(types)), times))
    blank = [Entry(text="")] * has_attention
    sums = [operators.attention_ns or 0.0] * has_attention + [operators.network_ns]
    between = Entry(text=format_part_ms(operators.between_ns))
    whole = Entry(text=format_part_ms(operators.whole_ns))
    lines += [
        _make_kind_line("all operators", sums),
        Line(group="", label="between operators", entries=(*blank, between)),
        Line(group="", label="whole inference", entries=(*blank, whole)),
    ]
    columns = [Column(head="attention blocks, ms")] * has_attention + [Column(head="network, ms")]
    return Sheet(title="By kind of operator", columns=tuple(columns), lines=tuple(lines), corner="Kind")


def _make_kind_line(label: str, times: Sequence[float]) -> Line:
    return Line(group="", label=label, entries=tuple(Entry(text=format_part_ms(ns)) for ns in times))


def _describe_conditions(table: Table, line: FlatLine) -> Part:
    if line.runtime is None:
        return Part(title="Conditions")
    machines = [machine for machine in table.machines if machine.device_id == line.runtime.device_id]
    properties = [item for machine in machines for item in describe_machine(machine)]
    properties.append(("Git commit", ", ".join(table.git_commits) or "not known"))
    properties.append(("Tools", ", ".join(table.tools) or "not known"))
    return Part(title="Conditions", properties=tuple(properties))


def _known(properties: Sequence[Property]) -> tuple[Property, ...]:
    return tuple(item for item in properties if item[1] != EMPTY)


def _optional(form: Callable[[Any], str], value: float | None) -> str:
    return EMPTY if value is None else form(value)


def _describe_count(count: int | None) -> str:
    return EMPTY if count is None else f"{format_count(count)} ({count:,})" if count >= 1000 else str(count)


def _span_ms(low: float | None, high: float | None) -> str:
    return EMPTY if low is None or high is None else f"{format_ms(low, unit=False)} to {format_ms(high)}"


def _span(form: Callable[[float], str], low: float, high: float) -> str:
    return f"{form(low)} to {form(high)}"
