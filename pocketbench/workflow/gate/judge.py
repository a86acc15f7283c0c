"""From what a duel saw to its record and its verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pocketbench.core.duel_rule import CONFIDENCE, Rule, find_detectable_ratio, passes_self_test
from pocketbench.core.estimates import median
from pocketbench.core.gate_records import Duel, Ratio
from pocketbench.core.signed_rank import locate
from pocketbench.core.units import format_ratio_change
from pocketbench.profile.duel.duel import DuelRecord


def make_duel(first: DuelRecord, second: DuelRecord | None, clock: str, rule: Rule) -> Duel:
    """The record of a duel and, where there was one, of its confirmation. Ratio and interval come from both."""
    records = [first] if second is None else [first, second]
    log_ratios = [value for record in records for value in record.log_ratios(clock)]
    self_log_ratios = [value for record in records for value in record.self_log_ratios(clock)]
    lives = [life for record in records for life in record.lives]
    return Duel(
        clock=clock,
        ratio=find_ratio(log_ratios),
        threshold=rule.threshold,
        detectable_ratio=find_detectable_ratio(log_ratios, rule),
        self_ratio=find_ratio(self_log_ratios),
        self_test_passed=passes_self_test(self_log_ratios, rule),
        confirmation=None if second is None else find_ratio(second.log_ratios(clock)),
        base_ns=median(sample for life in lives for sample in life.side_samples(0, clock)),
        head_ns=median(sample for life in lives for sample in life.side_samples(1, clock)),
        pair_ratios=tuple(math.exp(value) for value in log_ratios),
        self_pair_ratios=tuple(math.exp(value) for value in self_log_ratios),
        call_count=sum(len(life.sides) for record in records for life in (*record.lives, *record.self_lives)),
        duration_s=sum(record.duration_s for record in records),
    )


def find_ratio(log_ratios: Sequence[float]) -> Ratio:
    """Raises: ValueError when there is no pair."""
    found = locate(log_ratios, CONFIDENCE)
    return Ratio(
        value=math.exp(found.value),
        low=None if found.low is None else math.exp(found.low),
        high=None if found.high is None else math.exp(found.high),
        confidence=CONFIDENCE,
    )


def judge_duel(first: str, second: str | None, duel: Duel) -> tuple[str, str]:
    """The verdict and its reason.

    Args:
        first: the verdict of the first process, after Holm's correction over the cells.
        second: that of the fresh process; None when there was none, since the first did not say regressed.
    """
    change = format_ratio_change(duel.ratio.value)
    allowed = format_ratio_change(duel.threshold)
    if not duel.self_test_passed:
        apart = format_ratio_change(duel.self_ratio.value)
        return "inconclusive", f"base against itself came out at {apart}: the machine is too noisy to decide"
    if first == "regressed" and second == "regressed":
        return "regressed", f"{change} is beyond the {allowed} that is allowed, in two processes"
    if first == "regressed" and second == "pass":
        return "pass", f"a slowdown was suspected, and a fresh process did not confirm it ({change} in both together)"
    if first == "regressed":
        return "inconclusive", f"a slowdown was suspected, and a fresh process could not decide ({change} in both)"
    if first == "improved":
        return "improved", f"{change}"
    if first == "pass" and duel.ratio.value > duel.threshold:
        return (
            "pass",
            f"{change} is not surely beyond the {allowed} that is allowed, and surely below twice that",
        )
    if first == "pass":
        return "pass", f"{change} is within the {allowed} that is allowed"
    assert duel.detectable_ratio is not None  # a look has pairs enough for an interval
    found = f"only {format_ratio_change(duel.detectable_ratio)} or more"
    return "inconclusive", f"too noisy to decide: this run would have found {found} ({change} is the best guess)"
