"""How much of a model XNNPACK took on this machine, by nodes and by time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pocketbench.core.operator_kinds import BETWEEN, is_inside_xnnpack
from pocketbench.core.records import DelegateCoverage, OperatorTime

DELEGATE = "xnnpack"


def describe_coverage(
    facts: Mapping[str, Any], operator_times: Sequence[OperatorTime] | None
) -> DelegateCoverage | None:
    """None for a runtime without a delegate, and where the worker could not tell.

    Args:
        facts: what the worker said of the model when it had loaded it.
        operator_times: of the same file, None where they were not taken.
    """
    counts, outside_count = facts.get("operator_counts"), facts.get("outside_delegate_count")
    if counts is None or outside_count is None:
        return None
    node_count = sum(counts.values())
    return DelegateCoverage(
        delegate=DELEGATE,
        node_count=node_count,
        delegated_node_count=node_count - outside_count,
        partition_count=facts.get("partition_count"),
        time_fraction=None if operator_times is None else measure_share(operator_times),
    )


def measure_share(operator_times: Sequence[OperatorTime]) -> float | None:
    """XNNPACK's share of the time in which an operator runs; None where nothing took a time that shows."""
    inside_ns = sum(item.time_ns for item in operator_times if is_inside_xnnpack(item))
    whole_ns = sum(item.time_ns for item in operator_times if item.operator != BETWEEN)
    return inside_ns / whole_ns if whole_ns > 0 else None
