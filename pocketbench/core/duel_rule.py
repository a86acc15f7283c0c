"""When a duel has seen enough, and what it saw. Pure: from the logarithms of pairs' ratios to a verdict.

A pair of lives is one observation x = ln(head / base). With t = ln(threshold) and a = (1 - confidence) / 2:

    regressed      the signed-rank test rejects "x <= t"
    improved       it rejects "x >= -t"
    pass           the upper end of the interval lies below t; at the last look, below twice t. What may yet turn out
                   to be improved (an estimate below -t) goes on
    inconclusive   at the last look, none of these: too noisy for what was asked

The data are looked at after some pairs, after twice and four times as many. Each look that may end the duel as
regressed or improved tests at a / (looks * cells), so that all looks of all cells together err as seldom as one test at
a (Bonferroni); the cells that are called regressed in the end are Holm's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from pocketbench.core.signed_rank import find_greater_p, locate

CONFIDENCE = 0.99
LOOKS = (16, 32, 64)
"""Numbers of pairs. 16 can reach p = 2^-16, enough for 100 cells; 64 resolve twice as finely."""

POWER_QUANTILE = 1.6449
"""Of the standard normal distribution, at 95 %: an effect so far beyond the test's limit is found so often."""
CONFIDENCE_QUANTILE = 2.5758
"""At 99.5 %, the end of a 99 % interval."""

SELF_TEST_SHARE = 0.5
"""A base that differs from itself by half of what is allowed, for sure, makes the duel worthless."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`threshold` is the largest ratio that is allowed, above 1; `cell_count` how many duels are decided together."""

    threshold: float
    cell_count: int = 1
    looks: tuple[int, ...] = LOOKS

    @property
    def margin(self) -> float:
        return math.log(self.threshold)

    @property
    def alpha(self) -> float:
        return (1 - CONFIDENCE) / 2

    @property
    def level(self) -> float:
        """Of the test at one look at one cell."""
        return self.alpha / (len(self.looks) * self.cell_count)

    @property
    def resolution(self) -> float:
        """The logarithm of the slowdown that a passing duel rules out, whatever the noise."""
        return 2 * self.margin


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`p_value` is that of "regressed", for all looks together; a number to compare with a level for all cells."""

    verdict: str
    p_value: float


def decide(log_ratios: Sequence[float], rule: Rule, *, last: bool) -> Decision | None:
    """What is seen after one of the looks; None to go on.

    Args:
        last: whether nothing follows: the last look, or the time is over.
    """
    level = rule.level
    slower = find_greater_p(log_ratios, rule.margin)
    p_value = min(1.0, slower * len(rule.looks))
    if slower <= level:
        return Decision(verdict="regressed", p_value=p_value)
    if find_greater_p([-value for value in log_ratios], rule.margin) <= level:
        return Decision(verdict="improved", p_value=p_value)
    found = locate(log_ratios, CONFIDENCE)
    may_be_improved = not last and found.value < -rule.margin
    if found.high is not None and found.high < (rule.resolution if last else rule.margin) and not may_be_improved:
        return Decision(verdict="pass", p_value=p_value)
    return Decision(verdict="inconclusive", p_value=p_value) if last else None


def passes_self_test(log_ratios: Sequence[float], rule: Rule) -> bool:
    """Whether base against base may be equal: its interval reaches into the middle half of what is allowed."""
    found = locate(log_ratios, CONFIDENCE)
    allowed = SELF_TEST_SHARE * rule.margin
    return found.low is None or found.high is None or (found.low <= allowed and found.high >= -allowed)


def find_detectable_ratio(log_ratios: Sequence[float], rule: Rule) -> float | None:
    """The slowdown that a duel with this scatter calls regressed 95 times in 100, exp(t + (z1 + z2) s), where s is the
    standard error that the interval's width gives, z1 the normal quantile of the test's level and z2 that of 95 %; None
    where there is no interval."""
    found = locate(log_ratios, CONFIDENCE)
    if found.low is None or found.high is None:
        return None
    error = (found.high - found.low) / (2 * CONFIDENCE_QUANTILE)
    return math.exp(rule.margin + (NormalDist().inv_cdf(1 - rule.level) + POWER_QUANTILE) * error)


def apply_holm(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Which hypotheses Holm's procedure rejects at the family's level `alpha`.

    Source: Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6 (1979).
    """
    rejected = [False] * len(p_values)
    for step, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        if p_values[index] > alpha / (len(p_values) - step):
            break
        rejected[index] = True
    return rejected
