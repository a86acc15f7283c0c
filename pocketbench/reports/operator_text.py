"""What attention costs, in a sentence: "ca costs 0.90 ms in 16 places: 0.40 multiply, 0.30 pooling, ..."."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pocketbench.core.operator_kinds import OTHER
from pocketbench.core.units import format_part_ms, format_signed_ms, format_signed_part_ms, make_printable
from pocketbench.reports.labels import count_things, describe_runtimes, join_words
from pocketbench.reports.operator_records import KindTime, OperatorBreakdown
from pocketbench.reports.records import Overhead, Table

ATTENTION = "attention"
DIGITS = 2
NAMED_TYPES = 3
TYPE_LENGTH = 40  # types come from files of anybody
LEAST_SHARE = 0.005
"""A kind with a smaller share of the sum is not named."""


def format_costs(table: Table, name_block: Callable[[str], str] = str) -> str:
    """A line for each model and runtime with operator times, for a terminal.

    Args:
        name_block: what a block of the catalogue is called in words.
    """
    lines = []
    for place, runtime in enumerate(describe_runtimes(table.runtimes)):
        for row in table.rows:
            cell = row.cells[place]
            if cell.operators is None:
                continue
            name = f"{row.spec.name if row.spec is not None else row.label} on {runtime}"
            block = name_block(row.spec.block) if row.spec is not None and row.spec.block is not None else None
            if cell.operators.sites:
                lines.append(describe_cost(name, block, cell.operators, cell.steady_overhead))
            else:
                lines.append(_describe_whole(name, cell.operators))
    return make_printable("".join(f"{line}\n" for line in lines))


def describe_cost(name: str, block: str | None, operators: OperatorBreakdown, overhead: Overhead | None) -> str:
    """What the attention blocks of a model cost: their own operators by kind, and what was measured in all.

    Args:
        name: of the model.
        block: None for blocks that the network has by itself.
    """
    own_ns = operators.attention_ns or 0.0
    most_ns = own_ns + operators.attention_cut_ns
    own = _range(_ms(own_ns), _ms(most_ns))
    text = (
        f"{name}: {block or ATTENTION} costs {own} ms in {count_things(len(operators.sites), 'place')}: "
        f"{list_kinds(operators.attention_kinds, own_ns)}."
    )
    if operators.unplaced_ns > LEAST_SHARE * operators.whole_ns:
        text += f" Operators of {_ms(operators.unplaced_ns)} ms have no known place and are not in it."
    if overhead is None or overhead.round_count == 0:
        return text
    measured = format_signed_ms(overhead.difference_ns)
    interval = ""
    if overhead.difference_low_ns is not None and overhead.difference_high_ns is not None:
        low, high = (
            format_signed_ms(ns, unit=False) for ns in (overhead.difference_low_ns, overhead.difference_high_ns)
        )
        interval = f" (95 % interval {low} to {high})"
    least, most = (format_signed_part_ms(overhead.difference_ns - ns, digits=DIGITS) for ns in (most_ns, own_ns))
    rest = _range(least, most)
    return (
        f"{text} Measured, the network takes {measured} over its baseline{interval}; the difference of {rest} ms is "
        "what changes around the blocks (layouts, fusion) and the error of both figures."
    )


def _describe_whole(name: str, operators: OperatorBreakdown) -> str:
    parts = list_kinds(operators.network_kinds, operators.network_ns)
    between = f"; {_ms(operators.between_ns)} between operators" if operators.between_ns > 0 else ""
    unknown = "; the file does not tell which block an operator came from" if operators.attention_ns is None else ""
    return f"{name}: {_ms(operators.whole_ns)} ms: {parts}{between}{unknown}."


def list_kinds(kinds: Sequence[KindTime], sum_ns: float) -> str:
    """ "0.40 multiply, 0.30 pooling and 0.20 convolution": the largest first; what is too small to be named is added
    up. Unit: ms."""
    ordered = sorted(kinds, key=lambda item: -item.time_ns)
    named = [item for item in ordered if item.time_ns >= LEAST_SHARE * sum_ns and item.time_ns > 0]
    left_ns = sum(item.time_ns for item in ordered if item not in named)
    texts = [f"{_ms(item.time_ns)} {name_kind(item.kind, item.types)}" for item in named]
    if left_ns > 0:
        texts.append(f"{_ms(left_ns)} in smaller ones")
    return join_words(texts) if texts else "nothing that shows"


def name_kind(kind: str, types: Sequence[str]) -> str:
    """The kind; of "other" with its types, since they say all that is known: "other (Resize)"."""
    if kind != OTHER:
        return kind
    named = [name if len(name) <= TYPE_LENGTH else f"{name[:TYPE_LENGTH]}..." for name in types[:NAMED_TYPES]]
    if types[NAMED_TYPES:]:
        named.append(f"{len(types) - NAMED_TYPES} more")
    return f"{kind} ({join_words(named)})"


def _range(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _ms(ns: float) -> str:
    return format_part_ms(ns, digits=DIGITS)
