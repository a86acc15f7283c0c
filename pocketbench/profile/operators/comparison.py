"""Where head is slower than base: the times of their operators, by type and by block of the network."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pocketbench.core.gate_records import PartTime
from pocketbench.core.operator_kinds import BETWEEN
from pocketbench.core.records import OperatorTime, RunPlan
from pocketbench.profile.operators.times import RUN_COUNT, OperatorProfile, read_profile

OTHER_PLACES = "(elsewhere)"
ROUND_COUNT = 3


def compare_operator_times(
    base_path: Path, head_path: Path, plan: RunPlan, *, run_count: int = RUN_COUNT
) -> tuple[PartTime, ...]:
    """Profile both files in alternation, each time in a worker of its own, and compare their parts.

    The rounds are base head, head base, base head: a drift of the machine falls on both. A part's time is the
    median over the rounds. Parts of kind "operator" add up to the whole inference on each side, as near as the two are
    known; those of kind "block" too, with "(elsewhere)" for what has no known place. There are none of kind "block"
    when a file names no places. In each kind the largest absolute change comes first; what passed between the operators
    is last, since it takes the noise of the whole.

    Raises: as `read_operator_times`.
    """

    base: list[OperatorProfile] = []
    head: list[OperatorProfile] = []
    for index in range(ROUND_COUNT):
        sides = [(base, base_path), (head, head_path)]
        for found, path in sides if index % 2 == 0 else reversed(sides):
            found.append(read_profile(path, plan, run_count=run_count))
    return compare_parts(base, head)


def compare_parts(base: Sequence[OperatorProfile], head: Sequence[OperatorProfile]) -> tuple[PartTime, ...]:
    """The parts of several profiles of two files: by type, then by block.

    The profiler's cost of a call is one figure for all, so that an error in it falls on both sides alike.
    """
    cost_ns = statistics.median(profile.cost_ns for profile in (*base, *head))
    base_times, head_times = ([profile.take_off(cost_ns) for profile in side] for side in (base, head))
    parts = compare_kind("operator", base_times, head_times, lambda item: item.operator)
    if all(item.block is not None for profile in (*base_times, *head_times) for item in profile):
        parts += compare_kind("block", base_times, head_times, name_block)
    return tuple(parts)


def compare_kind(
    kind: str,
    base: Sequence[Sequence[OperatorTime]],
    head: Sequence[Sequence[OperatorTime]],
    name_part: Callable[[OperatorTime], str],
) -> list[PartTime]:
    base_ns, head_ns = (sum_parts(profiles, name_part) for profiles in (base, head))
    parts = [
        PartTime(kind=kind, name=name, base_ns=base_ns.get(name), head_ns=head_ns.get(name))
        for name in dict.fromkeys((*base_ns, *head_ns))
    ]
    return sorted(parts, key=lambda part: (part.name == BETWEEN, -abs((part.head_ns or 0.0) - (part.base_ns or 0.0))))


def name_block(item: OperatorTime) -> str:
    return BETWEEN if item.operator == BETWEEN else item.block or OTHER_PLACES


def sum_parts(profiles: Sequence[Sequence[OperatorTime]], name_part: Callable[[OperatorTime], str]) -> dict[str, float]:
    """The time of each part: the median over the profiles; of what is between them the rest of the median whole."""
    sums = [add_up(profile, name_part) for profile in profiles]
    whole_ns = statistics.median(sum(found.values()) for found in sums)
    names = dict.fromkeys(name for found in sums for name in found if name != BETWEEN)
    parts = {name: statistics.median(found.get(name, 0.0) for found in sums) for name in names}
    return parts | {BETWEEN: max(0.0, whole_ns - sum(parts.values()))}


def add_up(profile: Iterable[OperatorTime], name_part: Callable[[OperatorTime], str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for item in profile:
        found[name_part(item)] = found.get(name_part(item), 0.0) + item.time_ns
    return found
