"""Where the time goes, as columns of the CSV. Blocks and stages one by one stand in the JSON."""

from __future__ import annotations

from dataclasses import fields

from pocketbench.core.operator_kinds import KINDS
from pocketbench.core.records import DelegateCoverage
from pocketbench.reports.operator_records import KindTime
from pocketbench.reports.records import Cell

_SUMS = ("whole_ns", "attention_ns", "network_ns", "between_ns", "unplaced_ns")
_PARTS = ("attention", "network")
_COVERAGE = tuple(field.name for field in fields(DelegateCoverage))


def _name(part: str, kind: str) -> str:
    return f"operators_{part}_{kind.replace(' ', '_')}_ns"


OPERATOR_COLUMNS = (
    *(f"operators_{name}" for name in _SUMS),
    "operators_attention_place_count",
    *(_name(part, kind) for part in _PARTS for kind in KINDS),
    *(f"coverage_{name}" for name in _COVERAGE),
)


def describe_operators(cell: Cell) -> dict[str, object]:
    """The cell's values by column; only those that are known."""
    described: dict[str, object] = {}
    if cell.coverage is not None:
        described |= {f"coverage_{name}": getattr(cell.coverage, name) for name in _COVERAGE}
    operators = cell.operators
    if operators is None:
        return described
    described |= {f"operators_{name}": getattr(operators, name) for name in _SUMS}
    if operators.attention_ns is None:
        described["operators_unplaced_ns"] = None
        parts: dict[str, tuple[KindTime, ...]] = {"network": operators.network_kinds}
    else:
        described["operators_attention_place_count"] = len(operators.sites)
        parts = {"attention": operators.attention_kinds, "network": operators.network_kinds}
    for part, kinds in parts.items():
        described |= dict.fromkeys((_name(part, kind) for kind in KINDS), 0.0)
        described |= {_name(part, item.kind): item.time_ns for item in kinds}
    return described
