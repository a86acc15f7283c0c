"""Base and head compared by what is known of their files: no noise, so every rule is exact.

A rule that can't be checked, since a file does not say, is "inconclusive" and never "pass".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from pocketbench.core.gate_records import Check
from pocketbench.core.records import Artifact, GraphFacts
from pocketbench.core.units import format_error
from pocketbench.workflow.gate.limits import DELEGATE_FORMAT, DELEGATE_KEYS, Limits
from pocketbench.workflow.gate.operator_checks import check_operators

__all__ = ["compare_files"]


@dataclass(frozen=True, slots=True)
class _Fact:
    """A number that a file has. `{s}` in `noun` is its plural; `ratio_key` its limit as head over base; `like_base`:
    without a limit head may not have more than base."""

    key: str
    noun: str
    read: Callable[[GraphFacts], int | None] | None
    ratio_key: str | None = None
    like_base: bool = False

    def value(self, artifact: Artifact) -> int | None:
        if self.read is None:
            return artifact.size_bytes
        return None if artifact.graph_facts is None else self.read(artifact.graph_facts)

    def say(self, value: int) -> str:
        return f"{value:,} {self.noun.format(s='' if value == 1 else 's')}"


FACTS = (
    _Fact("partition_count", "partition{s} of the delegate", lambda facts: facts.partition_count, like_base=True),
    _Fact(
        "outside_delegate_count",
        "operator{s} outside the delegate",
        lambda facts: facts.outside_delegate_count,
        like_base=True,
    ),
    _Fact("layout_operator_count", "layout operator{s}", lambda facts: facts.layout_operator_count, like_base=True),
    _Fact("parameter_count", "parameter{s}", lambda facts: facts.parameter_count, "parameter_ratio"),
    _Fact("mac_count", "multiply-accumulate{s}", lambda facts: facts.mac_count, "mac_ratio"),
    _Fact("size_bytes", "byte{s}", None, "size_ratio"),
)


def compare_files(base: Artifact, head: Artifact, limits: Limits) -> tuple[Check, ...]:
    """A check for each fact that a side knows or that has a limit.

    Partitions, operators outside the delegate and layout operators may not be more than base's where no limit is set:
    a piece more on the processor is what a slow model begins with. Parameters, multiply-accumulates and size without a
    limit are information. An absolute limit is a rule for head: it is broken though base broke it too.
    """
    found = [_check_fact(fact, base, head, limits) for fact in FACTS]
    found += [_check_parity(base, head, limits), check_operators(base, head, limits)]
    return tuple(check for check in found if check is not None)


def _check_fact(fact: _Fact, base: Artifact, head: Artifact, limits: Limits) -> Check | None:
    base_value, head_value = fact.value(base), fact.value(head)
    absolute: int | None = getattr(limits, fact.key)
    ratio: float | None = getattr(limits, fact.ratio_key) if fact.ratio_key else None
    if base_value is None and head_value is None:
        absent = fact.key in DELEGATE_KEYS and head.format != DELEGATE_FORMAT
        if absent or (absolute is None and ratio is None):
            return None
    by_ratio = None if ratio is None or base_value is None else int(Decimal(str(ratio)) * base_value)
    by_base = base_value if fact.like_base and absolute is None and ratio is None else None
    allowed = [limit for limit in (absolute, by_ratio, by_base) if limit is not None]
    verdict, text = "pass", _say_values(fact, base_value, head_value)
    if head_value is not None and absolute is not None and head_value > absolute:
        verdict, text = "regressed", f"{text}; {fact.key} = {absolute:,} is the limit"
        if base_value is not None and base_value > absolute:
            text += ", and base broke it already"
    elif head_value is not None and by_ratio is not None and head_value > by_ratio:
        verdict, text = "regressed", f"{text}; {fact.ratio_key} = {ratio:g} allows {by_ratio:,}"
    elif head_value is not None and by_base is not None and head_value > by_base:
        verdict, text = "regressed", f"{text}: more than base"
    else:
        unchecked = _find_unchecked(fact, base_value, head_value, absolute, ratio)
        if unchecked is not None:
            verdict, text = "inconclusive", f"{text}; {unchecked}"
    return Check(
        name=fact.key,
        base=base_value,
        head=head_value,
        limit=min(allowed, default=None),
        verdict=verdict,
        text=text,
    )


def _find_unchecked(
    fact: _Fact, base_value: int | None, head_value: int | None, absolute: int | None, ratio: float | None
) -> str | None:
    """The rule that an unknown value keeps from being checked, in words; None when every rule was."""
    if head_value is None and absolute is not None:
        return f"{fact.key} = {absolute:,} can't be checked"
    if ratio is not None and None in (base_value, head_value):
        return f"{fact.ratio_key} = {ratio:g} can't be checked"
    if fact.like_base and absolute is None and None in (base_value, head_value):
        return f"whether head has more can't be said; {fact.key} in [gate] is a rule for head alone"
    return None


def _say_values(fact: _Fact, base_value: int | None, head_value: int | None) -> str:
    if base_value is None and head_value is None:
        return f"not known of either file: {fact.noun.format(s='s')}"
    if head_value is None:
        return f"base has {fact.say(base_value or 0)}, of head it is not known"
    if base_value is None:
        return f"head has {fact.say(head_value)}, of base it is not known"
    if base_value == head_value:
        return f"both have {fact.say(head_value)}"
    return f"head has {fact.say(head_value)}, base {base_value:,}"


def _check_parity(base: Artifact, head: Artifact, limits: Limits) -> Check | None:
    """That head computes what its network computes: beyond the limit it is "failed", a fast wrong answer is none.

    Without a limit, the tolerance under which head was kept. A head that was never compared, where base was or where a
    limit is set, is "inconclusive": nothing shows that it is wrong, and nothing that it is right.
    """
    known = base.parity.relative_error if base.parity is not None else None
    if head.parity is None:
        if known is None and limits.parity_error is None:
            return None
        text = "head was never compared with the network that it came from"
        limit, error, verdict = limits.parity_error, None, "inconclusive"
    else:
        error = head.parity.relative_error
        limit = head.parity.relative_tolerance if limits.parity_error is None else limits.parity_error
        verdict = "pass" if error <= limit else "failed"
        text = f"head differs from its network by {format_error(error)} of the output's spread"
        text += f", at most {format_error(limit)} is allowed"
    if known is not None:
        text += f"; base by {format_error(known)}"
    return Check(name="parity_error", base=known, head=error, limit=limit, verdict=verdict, text=text)
