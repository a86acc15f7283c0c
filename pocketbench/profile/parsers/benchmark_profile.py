"""The operator times that benchmark_model prints with its profiler on: four shapes of one table.

Source: StatsCalculator::ColumnString of TensorFlow's stats_calculator.cc (columns after tabs, or CSV that quotes
nothing), ProfileSummarizer of tflite/profiling, and what LiteRT 2.3.0 prints (columns after spaces). A row is found by
its two percents, which stand side by side: types and names hold spaces, commas and parentheses.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from pocketbench.core.records import OperatorTime
from pocketbench.profile.parsers.output_fault import (
    MAX_LINE_CHARS,
    NS_PER_MS,
    NUMBER,
    make_fault,
    parse_count,
    parse_duration,
)

INITIALISATION = "Profiling Info for Benchmark Initialization:"
REGULAR = "Operator-wise Profiling Info for Regular Benchmark Runs:"
TITLE = re.compile(r"={3,120} (?P<title>[A-Za-z ]{1,60}) ={3,120}")
SUBGRAPH = re.compile(r"Subgraph \(index: (?P<index>\d{1,6})[,)]")
NODE_COUNT = "Number of nodes executed: "
RUN_ORDER = "Run Order"
INSIDE = "Delegate internal:"
INSIDE_TYPE = "DelegateOpInvoke"
WHOLE = "Invoke"
INSIDE_PREFIX = "Delegate/"
NOT_A_NUMBER = ("nan", "-nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRow:
    operator: str
    name: str
    time_ns: int
    call_count: int


@dataclass(slots=True, kw_only=True)
class ProfileTable:
    """One table in the order of execution: of a subgraph, or of what a delegate runs inside ("inside")."""

    subgraph: int | str
    has_start: bool | None = None
    is_csv: bool = False
    rows: list[ProfileRow] = field(default_factory=list)
    row_count: int | None = None  # what is printed below the table


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorProfile:
    """The operators of an inference, and the share of the time that delegates took (None where that is not told)."""

    operators: tuple[OperatorTime, ...]
    delegated_fraction: float | None


def parse_profile(lines: Sequence[str]) -> OperatorProfile | None:
    """The operators of an inference in the order of execution; None when no profile is printed.

    What a delegate runs inside takes the place of the delegate, and what it does not account for follows under the
    delegate's own name. Subgraphs are parts of a control flow operator, whose time has theirs in it.

    Raises: OutputFault for a row or a table that is not understood.
    """
    tables = read_tables(lines)
    inside = [row for table in tables if table.subgraph == "inside" for row in table.rows]
    graphs = [table for table in tables if table.subgraph != "inside" and table.rows]
    for table in graphs:  # older builds list the whole inference as an operator
        table.rows = [row for row in table.rows if row.operator != WHOLE]
    main = next((table for table in graphs if table.subgraph == 0), graphs[0] if len(graphs) == 1 else None)
    if main is None and not inside:
        return None
    own = main.rows if main is not None else []
    inside += [row for row in own if _is_inside(row)]
    own = [row for row in own if not _is_inside(row)]
    is_mixed = main is not None and any(_is_inside(row) for row in main.rows)
    delegates = [row for row in own if _is_delegate(row)]
    if not inside:
        ordered, whole = own, own
    elif delegates:
        ordered, whole = _put_inside(own, delegates, inside), own
    else:
        ordered = whole = main.rows if is_mixed and main is not None else own + inside
    total_ns = sum(row.time_ns for row in whole)
    taken_ns = sum(row.time_ns for row in (delegates or inside))
    return OperatorProfile(
        operators=tuple(_to_record(row) for row in ordered),
        delegated_fraction=taken_ns / total_ns if total_ns and (delegates or inside) else None,
    )


def read_tables(lines: Sequence[str]) -> list[ProfileTable]:
    """The tables in the order of execution of the regular runs. Raises: OutputFault."""
    tables: list[ProfileTable] = []
    place: int | str = 0
    is_regular = True
    table: ProfileTable | None = None
    for line in lines:
        bare = line.strip()
        title = TITLE.fullmatch(bare) if bare.startswith("===") and len(bare) < 400 else None
        if bare in (INITIALISATION, REGULAR):
            is_regular, table, place = bare == REGULAR, None, 0
        elif bare.startswith("Primary graph"):
            place = 0
        elif (subgraph := SUBGRAPH.match(bare)) is not None and bare.endswith("profile:"):
            place = int(subgraph["index"])
        elif bare == INSIDE:
            place = "inside"
        elif title is not None:
            table = None
            if title["title"] == RUN_ORDER and is_regular:
                table = ProfileTable(subgraph=place)
                tables.append(table)
        elif not bare:
            table = None
        elif table is not None and table.has_start is None:
            _read_header(table, bare)
        elif table is not None:
            table.rows.append(_parse_row(table, line))
        elif bare.startswith(NODE_COUNT) and is_regular and tables:
            tables[-1].row_count = parse_count(bare.removeprefix(NODE_COUNT), line, at_least=0)
    for found in tables:
        if found.has_start is None or found.row_count not in (None, len(found.rows)):
            raise make_fault(f"a profile with {len(found.rows)} rows is cut off: it has {found.row_count} nodes")
    if len({found.subgraph for found in tables}) < len(tables):
        raise make_fault("the profiles of several runs in one text", cure="give one run at a time")
    return tables


def _read_header(table: ProfileTable, bare: str) -> None:
    heads = bare.lower()
    table.is_csv = heads.startswith("node type,")
    if not (table.is_csv or heads.startswith("[node type]")) or "avg" not in heads or "times called" not in heads:
        raise make_fault("the head of a profile is not understood", bare)
    table.has_start = "start" in heads


def _parse_row(table: ProfileTable, line: str) -> ProfileRow:
    """A row: type, [start,] first, avg, two percents, memory, times called, name."""
    if len(line) > MAX_LINE_CHARS:
        raise make_fault(f"a row of {len(line)} characters in a profile", line)
    separator = ", " if table.is_csv else " "
    parts = line.split(",") if table.is_csv else line.split()
    parts = [part.strip(" ") for part in parts] if table.is_csv else parts
    figures = 3 if table.has_start else 2
    place = next(
        (
            index
            for index in range(figures + 1, len(parts) - 3)
            if _is_percent(parts[index]) and _is_percent(parts[index + 1])
        ),
        None,
    )
    if place is None:
        raise make_fault("a row of a profile is not understood", line)
    numbers = [*parts[place - figures : place], parts[place + 2]]
    if not all(NUMBER.fullmatch(number) for number in numbers):
        raise make_fault("a row of a profile is not understood", line)
    call_count = parse_count(parts[place + 3], line)
    # the average is that of a call
    time_ns = call_count * parse_duration(parts[place - 1], NS_PER_MS, line)
    name = separator.join(parts[place + 4 :])
    return ProfileRow(
        operator=separator.join(parts[: place - figures]).strip(),
        name=name.replace("\t", ",") if table.is_csv else name,  # newer builds put tabs for the commas of a name
        time_ns=time_ns,
        call_count=call_count,
    )


def _is_percent(part: str) -> bool:
    return part.endswith("%") and (part[:-1] in NOT_A_NUMBER or NUMBER.fullmatch(part[:-1]) is not None)


def _is_inside(row: ProfileRow) -> bool:
    """Whether a delegate ran it: XNNPACK's operators stand among TFLite's, and its own row is then left out."""
    return row.operator == INSIDE_TYPE or row.operator.startswith(INSIDE_PREFIX) or row.name.startswith(INSIDE_PREFIX)


def _is_delegate(row: ProfileRow) -> bool:
    return "delegate" in row.operator.lower()


def _put_inside(own: list[ProfileRow], delegates: list[ProfileRow], inside: list[ProfileRow]) -> list[ProfileRow]:
    first = own.index(delegates[0])
    left_ns = sum(row.time_ns for row in delegates) - sum(row.time_ns for row in inside)
    rest = [
        ProfileRow(
            operator=delegates[0].operator,
            name=delegates[0].name,
            time_ns=left_ns,
            call_count=sum(row.call_count for row in delegates),
        )
    ]
    others = [row for row in own[first:] if not _is_delegate(row)]
    return own[:first] + inside + (rest if left_ns > 0 else []) + others


def _to_record(row: ProfileRow) -> OperatorTime:
    operator = row.operator.removeprefix(INSIDE_PREFIX)
    if row.operator == INSIDE_TYPE:  # older builds have the operator in the name: "Delegate/Add (ND):4"
        operator = row.name.removeprefix(INSIDE_PREFIX).rpartition(":")[0] or row.name
    return OperatorTime(
        name=row.name, operator=operator, path="", block="", time_ns=float(row.time_ns), call_count=row.call_count
    )
