"""Where the time goes, as sheets: a line a model, and for each model a line a stage of its network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pocketbench.core.operator_kinds import KINDS
from pocketbench.core.units import format_part_ms, format_signed_ms, format_signed_part_ms
from pocketbench.reports.labels import describe_runtimes
from pocketbench.reports.lines import FOREIGN_GROUP
from pocketbench.reports.operator_records import KindTime, OperatorBreakdown, SiteTime
from pocketbench.reports.operator_text import describe_cost, name_kind
from pocketbench.reports.records import Row, Table
from pocketbench.reports.sheets import (
    EMPTY,
    Column,
    Entry,
    Line,
    Sheet,
    enter_coverage,
    make_coverage_columns,
)

TITLE = "Where the time goes"
HOW_TO_GET = (
    "Where the time goes is not known: no operator times were taken. pocketbench profile --operators takes them."
)
EXPLANATION = (
    "Operator times come from passes of their own with the runtime's profiler. They add up to the inference of the "
    "profile, which is not the median above.",
    "Own operators stand inside the attention blocks; the 1x1 convolution behind a block is the network's, also where "
    "the exported form of a block holds it. A block costs more or less than its own operators: it changes layouts "
    "around it, and what the runtime can fuse. The measured overhead, from sessions without profiler, holds all "
    "that; it is of CPU time where one thread computes.",
    "Reductions count as pooling, divisions as multiply, subtractions as add. A 1x1 convolution that XNNPACK runs as "
    "fully connected is a convolution. Figures in parentheses are the difference from the baseline. XNNPACK cuts the "
    "time of each operator to whole microseconds: a sum of many small ones is given as the least and the most that it "
    "can be.",
)
Baselines = dict[str | None, OperatorBreakdown]
NOWHERE = "(place not known)"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSection:
    """Where the time goes on one runtime: a sentence a model, sheets with a line a model, and a sheet for each model
    whose operators have places."""

    title: str
    sentences: tuple[str, ...]
    sheets: tuple[Sheet, ...]
    stages: tuple[Sheet, ...]


def make_operator_sections(table: Table) -> list[OperatorSection]:
    """A section for each runtime with operator times."""
    sections = []
    for place, name in enumerate(describe_runtimes(table.runtimes)):
        rows = [row for row in table.rows if row.cells[place].operators is not None]
        index = {id(row): number for number, row in enumerate(table.rows)}
        if not rows:
            continue
        known = [(row, operators) for row in rows if (operators := row.cells[place].operators) is not None]
        baselines: Baselines = {row.group: operators for row, operators in reversed(known) if row.is_baseline}
        has_attention = any(operators.sites for _, operators in known)
        sheets = [_make_attention_sheet(known, place)] if has_attention else []
        sections.append(
            OperatorSection(
                title=name,
                sentences=tuple(
                    describe_cost(name_row(row), _name_block(row), operators, row.cells[place].steady_overhead)
                    for row, operators in known
                    if operators.sites
                ),
                sheets=(*sheets, _make_network_sheet(known, place, baselines, has_attention=has_attention)),
                stages=tuple(
                    _make_stage_sheet(
                        row, operators, _find_baseline(row, baselines), name_stages(place, index[id(row)])
                    )
                    for row, operators in known
                    if operators.stages
                ),
            )
        )
    return sections


def name_stages(place: int, row_index: int) -> str:
    """The anchor of the sheet of a row's stages on the runtime at a place."""
    return f"stages-{place + 1}-{row_index + 1}"


def _name_block(row: Row) -> str | None:
    return row.spec.block if row.spec is not None else None


def name_row(row: Row) -> str:
    return row.label if row.group is None else f"{row.group} {row.label}"


def _make_attention_sheet(known: Sequence[tuple[Row, OperatorBreakdown]], place: int) -> Sheet:
    kinds = _list_kinds(operators.attention_kinds for _, operators in known)
    group = "Own operators of the attention blocks, ms"
    columns = [Column(head="Inference, ms"), Column(head="sum", group=group), Column(head="places", group=group)]
    columns += [Column(head=head, group=group) for head in kinds.values()]
    columns.append(Column(head="Measured overhead, ms"))
    lines = []
    for row, operators in known:
        overhead = row.cells[place].steady_overhead
        entries = [Entry(text=format_part_ms(operators.whole_ns)), _enter_own(operators)]
        entries.append(Entry(text=str(len(operators.sites)) if operators.attention_ns is not None else EMPTY))
        entries += _enter_kinds(operators.attention_kinds, kinds)
        measured = EMPTY if overhead is None else format_signed_ms(overhead.difference_ns, unit=False)
        entries.append(Entry(text="0" if row.is_baseline else measured))
        lines.append(_make_line(row, entries))
    return Sheet(title="Attention blocks", columns=tuple(columns), lines=tuple(lines))


def _make_network_sheet(
    known: Sequence[tuple[Row, OperatorBreakdown]],
    place: int,
    baselines: Baselines,
    *,
    has_attention: bool,
) -> Sheet:
    kinds = _list_kinds(operators.network_kinds for _, operators in known)
    group = "Operators of the network itself, ms" if has_attention else "Operators, ms"
    columns = [] if has_attention else [Column(head="Inference, ms")]
    columns += [Column(head="sum", group=group), *(Column(head=head, group=group) for head in kinds.values())]
    columns.append(Column(head="Between operators, ms"))
    delegate_columns = make_coverage_columns(row.cells[place].coverage for row, _ in known)
    columns += delegate_columns
    lines = []
    for row, operators in known:
        base = _find_baseline(row, baselines)
        entries = [] if has_attention else [Entry(text=format_part_ms(operators.whole_ns))]
        entries.append(_enter_difference(operators.network_ns, base.network_ns if base else None))
        own, before = _by_kind(operators.network_kinds), _by_kind(base.network_kinds) if base else {}
        entries += [_enter_difference(own.get(kind), before.get(kind, 0.0) if base else None) for kind in kinds]
        entries.append(_enter_difference(operators.between_ns, base.between_ns if base else None))
        entries += enter_coverage(row.cells[place].coverage)[: len(delegate_columns)]
        lines.append(_make_line(row, entries))
    return Sheet(title="The network itself", columns=tuple(columns), lines=tuple(lines))


def _make_stage_sheet(row: Row, operators: OperatorBreakdown, base: OperatorBreakdown | None, anchor: str) -> Sheet:
    """A line a stage; one more for each further block in it."""
    kinds = _list_kinds(site.kinds for site in operators.sites)
    columns = [Column(head="Network, ms")]
    if operators.sites:
        group = "Attention block, ms"
        columns += [Column(head="place", group=group, is_text=True), Column(head="sum", group=group)]
        columns += [Column(head=head, group=group) for head in kinds.values()]
    own = {stage.name: stage.time_ns for stage in operators.stages}
    before = {stage.name: stage.time_ns for stage in base.stages} if base else {}
    lines = []
    for name in dict.fromkeys((*own, *(site.stage for site in operators.sites))):
        network = _enter_difference(own.get(name), before.get(name))
        sites = [site for site in operators.sites if site.stage == name]
        blocks = [_enter_site(site, kinds) for site in sites] or [[Entry(text="") for _ in columns[1:]]]
        for number, block in enumerate(blocks):
            entries = (network if number == 0 else Entry(text=""), *block)
            lines.append(Line(group=name_row(row), label=name or NOWHERE, entries=entries))
    return Sheet(
        title=f"By stage: {name_row(row)}", columns=tuple(columns), lines=tuple(lines), corner="Stage", anchor=anchor
    )


def _enter_site(site: SiteTime, kinds: Iterable[str]) -> list[Entry]:
    return [Entry(text=site.path), _enter_part(site.time_ns), *_enter_kinds(site.kinds, kinds)]


def _list_kinds(lists: Iterable[Sequence[KindTime]]) -> dict[str, str]:
    """The kinds that occur, in their order, with the head of their column; "other" names its types."""
    types: dict[str, dict[str, None]] = {}
    for kinds in lists:
        for item in kinds:
            types.setdefault(item.kind, {}).update(dict.fromkeys(item.types))
    return {kind: name_kind(kind, list(types[kind])) for kind in KINDS if kind in types}


def _by_kind(kinds: Iterable[KindTime]) -> dict[str, float]:
    return {item.kind: item.time_ns for item in kinds}


def _enter_kinds(kinds: Sequence[KindTime], columns: Iterable[str]) -> list[Entry]:
    found = _by_kind(kinds)
    return [_enter_part(found.get(kind)) for kind in columns]


def _enter_own(operators: OperatorBreakdown) -> Entry:
    """The least that the blocks take, and the most."""
    own = _enter_part(operators.attention_ns)
    if operators.attention_ns is None or operators.attention_cut_ns == 0:
        return own
    most_ns = operators.attention_ns + operators.attention_cut_ns
    return Entry(text=f"{own.text} to {format_part_ms(most_ns)}")


def _enter_part(ns: float | None) -> Entry:
    return Entry(text=EMPTY if ns is None else format_part_ms(ns))


def _enter_difference(ns: float | None, base_ns: float | None) -> Entry:
    if ns is None:
        return Entry(text=EMPTY)
    text = format_part_ms(ns)
    return Entry(text=text if base_ns is None else f"{text} ({format_signed_part_ms(ns - base_ns)})")


def _find_baseline(row: Row, baselines: Baselines) -> OperatorBreakdown | None:
    return None if row.is_baseline or row.group is None else baselines.get(row.group)


def _make_line(row: Row, entries: Sequence[Entry]) -> Line:
    return Line(group=row.group or FOREIGN_GROUP, label=row.label, entries=tuple(entries))
