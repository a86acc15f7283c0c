"""Where head is slower than base: the times of their operators, by type and by block of the network."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pocketbench.core.gate_records import PartTime
from pocketbench.profile.operator_times import BETWEEN, OperatorTime, read_operator_times

OTHER_PLACES = "(elsewhere)"
ROUND_COUNT = 3


def compare_operator_times(
    base_path: Path,
    head_path: Path,
    engine: str,
    *,
    python: Path | None = None,
    thread_count: int = 1,
    shapes: dict[str, tuple[int, ...]] | None = None,
    run_count: int = 30,
    timeout_s: float = 120.0,
) -> tuple[PartTime, ...]:
    """Profile both files in alternation, each time in a worker of its own, and compare their parts.

    The rounds are base head, head base, base head: a drift of the machine falls on both. A part's time is the
    median over the rounds. Parts of kind "operator" add up to the whole inference on each side; those of kind "block"
    too, with "(elsewhere)" for what has no known place. There are none of kind "block" when a file names no places.

    Raises: as `read_operator_times`.
    """

    def read(path: Path) -> tuple[OperatorTime, ...]:
        return read_operator_times(
            path,
            engine,
            python=python,
            thread_count=thread_count,
            shapes=shapes,
            run_count=run_count,
            timeout_s=timeout_s,
        )

    base: list[tuple[OperatorTime, ...]] = []
    head: list[tuple[OperatorTime, ...]] = []
    for index in range(ROUND_COUNT):
        sides = [(base, base_path), (head, head_path)]
        for found, path in sides if index % 2 == 0 else reversed(sides):
            found.append(read(path))
    return compare_parts(base, head)


def compare_parts(
    base: Sequence[Sequence[OperatorTime]], head: Sequence[Sequence[OperatorTime]]
) -> tuple[PartTime, ...]:
    """The parts of several profiles of two files: by type, then by block; in each the largest absolute change first."""
    parts = compare_kind("operator", base, head, lambda item: item.operator)
    if all(item.block is not None for profile in (*base, *head) for item in profile):
        parts += compare_kind("block", base, head, lambda item: item.block or OTHER_PLACES)
    return tuple(parts)


def compare_kind(
    kind: str,
    base: Sequence[Sequence[OperatorTime]],
    head: Sequence[Sequence[OperatorTime]],
    name_part: Callable[[OperatorTime], str],
) -> list[PartTime]:
    rest = BETWEEN if kind == "operator" else OTHER_PLACES
    base_ns, head_ns = (sum_parts(profiles, name_part, rest) for profiles in (base, head))
    parts = [
        PartTime(kind=kind, name=name, base_ns=base_ns.get(name), head_ns=head_ns.get(name))
        for name in dict.fromkeys((*base_ns, *head_ns))
    ]
    return sorted(parts, key=lambda part: -abs((part.head_ns or 0.0) - (part.base_ns or 0.0)))


def sum_parts(
    profiles: Sequence[Sequence[OperatorTime]], name_part: Callable[[OperatorTime], str], rest: str
) -> dict[str, float]:
    """The time of each part: the median over the profiles.

    Medians do not add up exactly: `rest` takes the difference to the median of the whole, and where that would be less
    than nothing the other parts shrink in proportion.
    """
    sums = [add_up(profile, name_part) for profile in profiles]
    whole_ns = statistics.median(sum(found.values()) for found in sums)
    names = dict.fromkeys(name for found in sums for name in found if name != rest)
    parts = {name: statistics.median(found.get(name, 0.0) for found in sums) for name in names}
    known_ns = sum(parts.values())
    if known_ns > whole_ns:
        parts = {name: value * whole_ns / known_ns for name, value in parts.items()}
    return parts | {rest: max(0.0, whole_ns - known_ns)}


def add_up(profile: Iterable[OperatorTime], name_part: Callable[[OperatorTime], str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for item in profile:
        found[name_part(item)] = found.get(name_part(item), 0.0) + item.time_ns
    return found
