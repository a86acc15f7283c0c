"""What stands under a table in the layout of papers: how to read it, and where its published figures come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from pocketbench.reports.accuracy_choice import LEFT_OUT, fits_spec
from pocketbench.reports.labels import describe_runtimes, join_words, name_latency
from pocketbench.reports.paper_names import name_block
from pocketbench.reports.paper_records import PaperLine
from pocketbench.reports.records import PublishedLatency, Table

MOST_NAMED = 12
"""How many rows without a published figure are named; more are counted."""


def list_sources(table: Table) -> tuple[str, ...]:
    """The sources of the published top-1, in the order of the rows."""
    return tuple(dict.fromkeys(row.published.source for row in table.rows if row.published is not None))


def list_remarks(
    table: Table, lines: Sequence[PaperLine], networks: Mapping[str, str], *, has_ratios: bool, shows_gate: bool
) -> list[str]:
    """The remarks, a sentence or more each; sources of published figures stand in the table's own list."""
    remarks = [_describe_networks(table, has_ratios=has_ratios, shows_gate=shows_gate)]
    if any(row.is_baseline for row in table.rows):
        remarks.append("Differences are to the network without attention.")
    if table.runtimes:
        remarks.append(_describe_latencies(table))
    remarks.append(_describe_top1(table))
    remarks += _describe_published(table, lines, has_ratios=has_ratios)
    remarks += _describe_published_latencies(table, networks)
    return [remark for remark in remarks if remark]


def _describe_networks(table: Table, *, has_ratios: bool, shows_gate: bool) -> str:
    specs = [row.spec for row in table.rows if row.spec is not None]
    shapes = {spec.input_shape for spec in specs}
    classes = {spec.class_count for spec in specs}
    parts = []
    if len(shapes) == 1:
        _, *rest = shapes.pop()
        parts.append(f"inputs of {' x '.join(map(str, rest[1:] if len(rest) == 3 and rest[0] == 3 else rest))}")
    if len(classes) == 1 and (count := classes.pop()) is not None:
        parts.append(f"{count} classes")
    ratios: dict[int, list[str]] = {}
    for spec in specs:
        if spec.block is not None and spec.reduction_ratio is not None and not has_ratios:
            named = ratios.setdefault(spec.reduction_ratio, [])
            if name_block(spec.block) not in named:
                named.append(name_block(spec.block))
    parts += [f"r = {ratio} for {join_words(names)}" for ratio, names in ratios.items()]
    gates = {spec.gate for spec in specs if spec.block is not None and spec.gate is not None}
    if len(gates) == 1 and not shows_gate:
        parts.append(f"{gates.pop().replace('_', ' ')} gates")
    text = ", ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _describe_latencies(table: Table) -> str:
    figures = {name_latency(row.cells[place].wall for row in table.rows) for place in range(len(table.runtimes))}
    runtimes = "; ".join(describe_runtimes(table.runtimes))
    return f"Latency: {join_words(sorted(figures))} and 95 % interval, by the wall clock ({runtimes})."


def _describe_top1(table: Table) -> str:
    measured = [row.measured.accuracy for row in table.rows if row.measured is not None]
    if not measured:
        return "Top-1: not measured of these files." if table.rows else ""
    sets = dict.fromkeys(f"{item.dataset}, {item.split}" for item in measured)
    counts = sorted({item.image_count for item in measured if item.image_count is not None})
    pictures = f", {counts[0]} pictures" if len(counts) == 1 else ""
    text = f"Top-1: of the exported files, {join_words(sets)}{pictures}, with 95 % interval."
    seeds = sorted({len(row.seeds.fractions) for row in table.rows if row.seeds is not None})
    over = f" The mean over {' or '.join(map(str, seeds))} seeds is of trainings by one recipe, before export."
    return text + (over if seeds else "")


def _describe_published(table: Table, lines: Sequence[PaperLine], *, has_ratios: bool) -> list[str]:
    """Which lines have no published top-1, and those that have one of a source that was left out."""
    left_out: list[str] = []
    missing: dict[str, list[str]] = {}
    for row, line in zip(table.rows, lines, strict=True):
        if row.published is not None or row.spec is None:
            continue
        ratio = f" (r {line.ratio})" if has_ratios and line.ratio is not None else ""
        addition = f"{line.addition or 'without attention'}{ratio}"
        reasons = [table.notes[index] for index in row.published_notes if table.notes[index].startswith(LEFT_OUT)]
        left_out += [f"{line.network} {addition}: {reason[0].lower()}{reason[1:]}" for reason in reasons]
        if not reasons:
            missing.setdefault(line.network, []).append(addition)
    count = sum(map(len, missing.values()))
    if not missing:
        return left_out
    if count > MOST_NAMED:
        return [*left_out, f"No published figure could be confirmed for {count} of {len(table.rows)} rows."]
    which = "; ".join(f"{network} {join_words(additions)}" for network, additions in missing.items())
    return [*left_out, f"No published figure could be confirmed for {which}."]


def _describe_published_latencies(table: Table, networks: Mapping[str, str]) -> list[str]:
    remarks = []
    for row in table.rows:
        if row.spec is None:
            continue
        own = [latency for latency in table.published_latencies if fits_spec(latency, row.spec)]
        name = networks.get(row.group or "", row.label)
        addition = f" + {name_block(row.spec.block)}" if row.spec.block is not None else ""
        texts = [
            f"{join_words(map(_describe_latency, members))} ({source})"
            for source, members in groupby(own, key=lambda latency: latency.source)
        ]
        if texts:
            remarks.append(f"Latency of {name}{addition} published: {'; '.join(texts)}.")
    return remarks


def _describe_latency(latency: PublishedLatency) -> str:
    low, high = f"{latency.low_ns / 1e6:g}", f"{latency.high_ns / 1e6:g}"
    return f"{low if low == high else f'{low} to {high}'} ms on {latency.device} by {latency.runtime}"
