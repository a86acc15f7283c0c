"""Which operators base and head hold, and how many of each type."""

from __future__ import annotations

from pocketbench.core.gate_records import Check, OperatorChange
from pocketbench.core.records import Artifact
from pocketbench.workflow.gate.limits import Limits

MAX_CHANGES_IN_TEXT = 4
MAX_NAME_LENGTH = 60


def compare_operators(base: Artifact, head: Artifact) -> tuple[OperatorChange, ...]:
    """The types whose number differs, the largest change first; none where a file's operators are not known."""
    if base.graph_facts is None or head.graph_facts is None:
        return ()
    before, after = base.graph_facts.operator_counts, head.graph_facts.operator_counts
    changes = [
        OperatorChange(operator=show_name(name), base_count=before.get(name, 0), head_count=after.get(name, 0))
        for name in sorted(before.keys() | after.keys())
        if before.get(name, 0) != after.get(name, 0)
    ]
    return tuple(sorted(changes, key=lambda change: -abs(change.head_count - change.base_count)))


def check_operators(base: Artifact, head: Artifact, limits: Limits) -> Check | None:
    """The rule `same_operators`; without it a change is information. The values are the numbers of all operators."""
    base_total, head_total = count_all(base), count_all(head)
    if base_total is None or head_total is None:
        if not limits.same_operators and base_total is head_total:
            return None
        unknown = " and ".join(side for side, total in (("base", base_total), ("head", head_total)) if total is None)
        verdict = "inconclusive" if limits.same_operators else "pass"
        text = f"the operators of {unknown} are not known"
    else:
        changes = compare_operators(base, head)
        verdict = "regressed" if changes and limits.same_operators else "pass"
        text = describe_changes(changes) if changes else f"both have the same {head_total:,} operators"
    if verdict != "pass":
        text += "; same_operators = true" + (" can't be checked" if verdict == "inconclusive" else " allows no change")
    return Check(name="same_operators", base=base_total, head=head_total, limit=None, verdict=verdict, text=text)


def describe_changes(changes: tuple[OperatorChange, ...]) -> str:
    shown = [f"{item.operator} {item.base_count} -> {item.head_count}" for item in changes[:MAX_CHANGES_IN_TEXT]]
    rest = len(changes) - len(shown)
    if rest:
        shown.append(f"and {rest} type{'' if rest == 1 else 's'} more")
    return ", ".join(shown)


def count_all(artifact: Artifact) -> int | None:
    return None if artifact.graph_facts is None else sum(artifact.graph_facts.operator_counts.values())


def show_name(name: str) -> str:
    """A name of a file of anybody, as it may be printed: a custom operator can be called anything."""
    plain = "".join(character if character.isprintable() else "?" for character in name)
    return plain if len(plain) <= MAX_NAME_LENGTH else plain[: MAX_NAME_LENGTH - 3] + "..."
