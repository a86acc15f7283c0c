"""Operator times of the cells of a run, in a pass of their own: a profiler disturbs the latency."""

from __future__ import annotations

import dataclasses
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pocketbench.core.errors import PocketbenchError
from pocketbench.core.records import OperatorTime
from pocketbench.profile.cell import Cell
from pocketbench.profile.operators.times import OperatorProfile, read_profile

PROFILE_COUNT = 3

ReadProfile = Callable[[Cell], OperatorProfile]


def make_host_reader(pythons: Mapping[str, Path]) -> ReadProfile:
    """Profiles on this machine; `pythons` are the interpreters of engines by name (`runtimes.engine_python`)."""
    return lambda cell: read_profile(cell.path, cell.plan, python=pythons.get(cell.plan.engine))


def take_operator_times(
    cells: Mapping[int, Cell], read: ReadProfile, on_progress: Callable[[str], None] = lambda _: None
) -> dict[int, tuple[OperatorTime, ...] | str]:
    """The operator times of each cell, or why they are not known, under the key that it has in `cells`.

    Each cell is loaded and profiled three times, in turn with the others: two loads of one file differ by percents.

    Args:
        read: profiles a cell once, in a process of its own.
        on_progress: is told what begins.
    """
    profiles: dict[int, list[OperatorProfile]] = {index: [] for index in cells}
    unknown: dict[int, str] = {}
    for number in range(PROFILE_COUNT):
        order = list(cells) if number % 2 == 0 else list(cells)[::-1]
        for index in order:
            if index in unknown:
                continue
            on_progress(f"operator times, {number + 1} of {PROFILE_COUNT}: {cells[index].artifact.file_name}")
            try:
                profiles[index].append(read(cells[index]))
            except PocketbenchError as error:
                unknown[index] = error.what
    return {index: unknown[index] if index in unknown else join_profiles(profiles[index]) for index in cells}


def join_profiles(profiles: Sequence[OperatorProfile]) -> tuple[OperatorTime, ...]:
    """One list from several profiles of a file: medians, which add up to the median inference.

    onnxruntime numbers the operators that it adds anew with each load, and may run them in another order: the n-th of
    equal type and place is taken for the n-th. Where that does not work out, the profile of the median inference is
    taken as it is.
    """
    middle = sorted(profiles, key=lambda profile: profile.whole_ns)[len(profiles) // 2]
    tables = [number_operators(profile.operators) for profile in profiles]
    keys = list(tables[0])
    if any(set(table) != set(keys) for table in tables):
        return middle.take_off(middle.cost_ns)
    operators = tuple(
        dataclasses.replace(tables[0][key], time_ns=statistics.median(table[key].time_ns for table in tables))
        for key in keys
    )
    joined = OperatorProfile(operators=operators, whole_ns=middle.whole_ns)
    return joined.take_off(joined.cost_ns)


def number_operators(operators: Sequence[OperatorTime]) -> dict[tuple[str, str | None, str | None, int], OperatorTime]:
    """Each by type, path, block, and how many such stand before it."""
    counts: Counter[tuple[str, str | None, str | None]] = Counter()
    found = {}
    for item in operators:
        key = (item.operator, item.path, item.block)
        found[(*key, counts[key])] = item
        counts[key] += 1
    return found
