"""From sessions to the history of their cells: pure, so that the same records always give the same history."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from pocketbench.core.estimates import combine_sessions, median
from pocketbench.core.records import RunResult
from pocketbench.reports.cells import identify_runtime, order_runtimes
from pocketbench.reports.history_changes import LEAST_COUNT, find_change_points
from pocketbench.reports.history_order import order_commits, shorten_hashes
from pocketbench.reports.history_records import (
    CellHistory,
    GitCommit,
    History,
    HistoryPoint,
    LevelChange,
    SessionValue,
)
from pocketbench.reports.labels import join_words
from pocketbench.reports.records import Runtime
from pocketbench.reports.sessions import collect_cell


def reduce_session(result: RunResult) -> SessionValue | None:
    """The medians of a session; None where nothing was measured or no commit is known."""
    runs = collect_cell([result])
    if result.git_commit is None or not runs.wall:
        return None
    session = (result.run_id, result.session_index)
    return SessionValue(
        model=result.artifact.model_name,
        runtime=identify_runtime(result),
        commit=result.git_commit,
        session=session,
        taken_at=result.conditions_before.taken_at,
        wall_ns=median(runs.wall[session].samples),
        cpu_ns=median(runs.cpu[session].samples) if session in runs.cpu else None,
        cpu_clock=runs.cpu_clocks[0] if runs.cpu_clocks else None,
        file_sha256=result.artifact.sha256,
        processor=result.conditions_before.cpu_model,
        tools=tuple(sorted(f"{name} {version}" for name, version in result.tools.items())),
    )


def make_history(values: Iterable[SessionValue], known: Sequence[GitCommit] = ()) -> History:
    """The cells by model and runtime, the commits of each in one order for all.

    Args:
        values: in any order; a session that is listed twice counts once.
        known: the commits that git knows, in its order.
    """
    values = list(values)
    first: dict[str, str] = {}
    cells: dict[tuple[str, Runtime], dict[tuple[str, int], SessionValue]] = {}
    for value in values:
        first[value.commit] = min(first.get(value.commit, value.taken_at), value.taken_at)
        cells.setdefault((value.model, value.runtime), {}).setdefault(value.session, value)
    ranks = {commit: rank for rank, commit in enumerate(order_commits(first, [item.commit for item in known]))}
    labels = shorten_hashes(first)
    facts = {item.commit: item for item in known}
    runtimes = order_runtimes(runtime for _, runtime in cells)
    keys = sorted(cells, key=lambda key: (key[0], runtimes.index(key[1])))
    return History(
        order="git" if any(commit in facts for commit in first) else "time",
        cells=tuple(_make_cell(key, list(cells[key].values()), ranks, labels, facts) for key in keys),
    )


def _make_cell(
    key: tuple[str, Runtime],
    values: list[SessionValue],
    ranks: Mapping[str, int],
    labels: Mapping[str, str],
    facts: Mapping[str, GitCommit],
) -> CellHistory:
    clock = _choose_clock(key[1], values)
    commits: dict[str, list[SessionValue]] = {}
    for value in sorted(values, key=lambda item: (ranks[item.commit], item.taken_at, item.session)):
        commits.setdefault(value.commit, []).append(value)
    sessions = list(commits.values())
    estimates = [_combine(members, clock) for members in sessions]
    middles = [value for value, _, _ in estimates]
    starts = find_change_points(middles)
    bounds = [0, *starts, len(middles)]
    # a level is a median on the logarithm, as the points are
    levels = [_median_of_logarithms(middles[start:end]) for start, end in pairwise(bounds)]
    level_of = [level for level, (start, end) in zip(levels, pairwise(bounds), strict=True) for _ in range(end - start)]
    points = tuple(
        HistoryPoint(
            commit=commit,
            label=labels[commit],
            committed_at=facts[commit].committed_at if commit in facts else None,
            subject=facts[commit].subject if commit in facts else None,
            measured_at=min(member.taken_at for member in members),
            session_count=len(members),
            value_ns=value,
            low_ns=low,
            high_ns=high,
            level_ns=level_of[index],
            change_ratio=value / level_of[index - 1] if index else None,
        )
        for index, ((commit, members), (value, low, high)) in enumerate(zip(commits.items(), estimates, strict=True))
    )
    changes = tuple(
        LevelChange(
            index=start,
            before_ns=before,
            after_ns=after,
            ratio=after / before,
            remarks=_compare_surroundings(sessions[start - 1], sessions[start]),
        )
        for start, (before, after) in zip(starts, pairwise(levels), strict=True)
    )
    return CellHistory(
        model=key[0],
        runtime=key[1],
        clock=clock,
        points=points,
        changes=changes,
        has_enough_points=len(points) >= LEAST_COUNT,
    )


def _choose_clock(runtime: Runtime, values: Iterable[SessionValue]) -> str:
    """CPU time sees no neighbours, but no other threads and no waiting either: it decides for one thread on a CPU."""
    has_thread_time = all(value.cpu_clock == "thread" and value.cpu_ns for value in values)
    return "thread" if runtime.thread_count == 1 and runtime.delegate is None and has_thread_time else "wall"


def _combine(values: Sequence[SessionValue], clock: str) -> tuple[float, float | None, float | None]:
    """A commit's value and interval, on the logarithm: a duration can't be below 0, however few the sessions are."""
    chosen = [value.cpu_ns if clock == "thread" and value.cpu_ns is not None else value.wall_ns for value in values]
    estimate = combine_sessions([math.log(max(1.0, item)) for item in chosen])
    low, high = (None if end is None else math.exp(end) for end in (estimate.low, estimate.high))
    return math.exp(estimate.value), low, high


def _median_of_logarithms(values: Iterable[float]) -> float:
    return math.exp(median(math.log(value) for value in values))


def _compare_surroundings(before: Sequence[SessionValue], after: Sequence[SessionValue]) -> tuple[str, ...]:
    """What differs between two neighbouring commits beside the model, and whether the model differs at all."""
    remarks = []
    if {value.file_sha256 for value in before} == {value.file_sha256 for value in after}:
        remarks.append("the model file is the same")
    processors = [sorted({value.processor or "not known" for value in side}) for side in (before, after)]
    if processors[0] != processors[1]:
        remarks.append(f"the processor is {join_words(processors[1])}, before {join_words(processors[0])}")
    tools = [{tool for value in side for tool in value.tools} for side in (before, after)]
    if tools[0] != tools[1]:
        now, then = (join_words(sorted(side)) or "none" for side in (tools[1] - tools[0], tools[0] - tools[1]))
        remarks.append(f"it ran with {now}, before {then}")
    return tuple(remarks)
