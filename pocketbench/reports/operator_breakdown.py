"""Operator times, added up by attention block, by stage of the network and by kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pocketbench.core.operator_kinds import BETWEEN, KINDS, XNNPACK_STEP_NS, find_kind_of, is_inside_xnnpack
from pocketbench.core.records import DelegateCoverage, OperatorTime, RunResult
from pocketbench.reports.operator_records import KindTime, OperatorBreakdown, SiteTime, StageTime


def find_breakdown(results: Iterable[RunResult]) -> OperatorBreakdown | None:
    """Of the last result that has operator times; None when none has."""
    known = [result.operator_times for result in results if result.operator_times]
    return break_down(known[-1]) if known else None


def find_coverage(results: Iterable[RunResult]) -> DelegateCoverage | None:
    """Of the last result that tells it, one with a share of the time before one without."""
    known = [result.coverage for result in results if result.coverage is not None]
    known.sort(key=lambda coverage: coverage.time_fraction is not None)
    return known[-1] if known else None


def break_down(times: Sequence[OperatorTime]) -> OperatorBreakdown:
    """Divide one inference. Everything is in one part, and the parts add up to the whole."""
    operators = [item for item in times if item.operator != BETWEEN]
    between_ns = sum(item.time_ns for item in times if item.operator == BETWEEN)
    attention = [item for item in operators if item.is_attention]
    network = [item for item in operators if not item.is_attention]
    has_places = any(item.is_attention is not None for item in operators)
    stages = _group_stages(network) if has_places else ()
    has_all = len(operators) == len(times)  # a phone's program tells nothing of the time between operators
    attention_ns = _add_up(attention)
    network_ns = _add_up(network)
    return OperatorBreakdown(
        whole_ns=attention_ns + network_ns + between_ns,
        attention_ns=attention_ns if has_places else None,
        attention_cut_ns=_add_up_cuts(attention) if has_all else min(_add_up_cuts(attention), max(0.0, between_ns)),
        attention_kinds=sum_kinds(attention),
        sites=_group_sites(attention, [stage.name for stage in stages]),
        network_ns=network_ns,
        network_kinds=sum_kinds(network),
        stages=stages,
        between_ns=between_ns,
    )


def sum_kinds(operators: Iterable[OperatorTime]) -> tuple[KindTime, ...]:
    """The time in each kind that occurs, in the order of `KINDS`."""
    times_ns: dict[str, float] = {}
    types: dict[str, dict[str, None]] = {}
    for item in operators:
        kind = find_kind_of(item)
        times_ns[kind] = times_ns.get(kind, 0.0) + item.time_ns
        types.setdefault(kind, {})[item.operator] = None
    return tuple(
        KindTime(kind=kind, time_ns=times_ns[kind], types=tuple(types[kind])) for kind in KINDS if kind in times_ns
    )


def _group_sites(operators: Iterable[OperatorTime], stage_names: Sequence[str]) -> tuple[SiteTime, ...]:
    return tuple(
        SiteTime(path=path, stage=_find_stage(path, stage_names), time_ns=_add_up(members), kinds=sum_kinds(members))
        for path, members in _group(operators).items()
    )


def _group_stages(operators: Iterable[OperatorTime]) -> tuple[StageTime, ...]:
    """In the order of execution; operators without a place last."""
    groups = sorted(_group(operators).items(), key=lambda item: not item[0])
    return tuple(StageTime(name=name, time_ns=_add_up(members), kinds=sum_kinds(members)) for name, members in groups)


def _group(operators: Iterable[OperatorTime]) -> dict[str, list[OperatorTime]]:
    groups: dict[str, list[OperatorTime]] = {}
    for item in operators:
        groups.setdefault(item.block or "", []).append(item)
    return groups


def _find_stage(path: str, stage_names: Sequence[str]) -> str:
    """The longest name of a stage that the path begins with; the path itself when there is none."""
    return max((name for name in stage_names if name and path.startswith(f"{name}.")), key=len, default=path)


def _add_up_cuts(operators: Iterable[OperatorTime]) -> float:
    """The most that can be missing from their times."""
    return float(sum(XNNPACK_STEP_NS * item.call_count for item in operators if is_inside_xnnpack(item)))


def _add_up(operators: Iterable[OperatorTime]) -> float:
    return sum(item.time_ns for item in operators)
