"""The verdict of a file by itself: whether there is one, whether it can be compared, and the gates without noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pocketbench.core.gate_records import CellKey, CellVerdict, Check, find_worst
from pocketbench.core.records import Artifact
from pocketbench.workflow.gate.checks import compare_files
from pocketbench.workflow.gate.limits import Limits
from pocketbench.workflow.gate.mismatch import find_mismatch
from pocketbench.workflow.gate.operator_checks import compare_operators
from pocketbench.workflow.gate.pairing import Pair

STATE_VERDICTS = {"missing": "missing", "failed": "failed", "base_failed": "inconclusive"}


def judge_file(pair: Pair, limits: Limits, *, same_tools: bool) -> CellVerdict:
    """The cell of a file without an engine."""
    checks, reason, verdict = list_checks(pair, limits), pair.reason or "", STATE_VERDICTS.get(pair.state, "pass")
    if pair.state == "same":
        reason = "byte-identical"
    if pair.state == "both":
        assert pair.base is not None
        assert pair.head is not None
        obstacle = find_mismatch(pair.base, pair.head)
        if obstacle is None and same_tools:
            obstacle = find_tool_difference(pair.base, pair.head)
        verdict, reason = ("inconclusive", obstacle) if obstacle else ("pass", "nothing got worse")
    verdict = find_worst([verdict, *(check.verdict for check in checks)])
    return CellVerdict(
        key=make_file_key(pair),
        verdict=verdict,
        reason=join_reasons(reason, checks),
        base_sha256=pair.base.sha256 if pair.base else None,
        head_sha256=pair.head.sha256 if pair.head else None,
        duel=None,
        checks=checks,
        operator_changes=compare_operators(pair.base, pair.head) if pair.base and pair.head else (),
        parts=(),
        base_tools=pair.base.tools if pair.base else {},
        head_tools=pair.head.tools if pair.head else {},
    )


def list_checks(pair: Pair, limits: Limits) -> tuple[Check, ...]:
    """Those of base and head; of a head without a base, what it breaks by itself."""
    if pair.head is None or pair.state == "failed":
        return ()
    if pair.base is not None:
        return compare_files(pair.base, pair.head, limits)
    own = replace(limits, parameter_ratio=None, mac_ratio=None, size_ratio=None, same_operators=False)
    broken = (check for check in compare_files(replace(pair.head, parity=None), pair.head, own))
    return tuple(
        replace(check, base=None, text=_leave_base_out(check.text)) for check in broken if check.verdict != "pass"
    )


def _leave_base_out(text: str) -> str:
    return text.replace("both have", "head has", 1).replace(", and base broke it already", "")


def find_tool_difference(base: Artifact, head: Artifact) -> str | None:
    """Which converter was another release on the other side: then a change is not the model's alone."""
    for name in sorted(base.tools.keys() & head.tools.keys()):
        if base.tools[name] != head.tools[name]:
            return f"base was exported with {name} {base.tools[name]}, head with {head.tools[name]}: export both anew"
    return None


def join_reasons(reason: str, checks: Sequence[Check]) -> str:
    """The texts of the checks that did not pass, worst first; `reason` when all did."""
    worst = find_worst([check.verdict for check in checks])
    broken = [check.text for check in checks if check.verdict == worst != "pass"]
    return "; ".join([*broken, *([reason] if reason and reason != "nothing got worse" else [])]) if broken else reason


def make_file_key(pair: Pair) -> CellKey:
    artifact = pair.head or pair.base
    name = artifact.model_name if artifact is not None else pair.file_name.rpartition(".")[0]
    return CellKey(model=name, file_name=pair.file_name, engine=None, thread_count=None, device_id=None)
