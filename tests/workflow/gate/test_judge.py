"""From lives to the record of a duel, and from the record to a sentence."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from pocketbench.core.duel_rule import Rule
from pocketbench.core.gate_records import Duel, Ratio
from pocketbench.core.jsonio import dump_record, parse_record
from pocketbench.profile.duel.duel import DuelRecord
from pocketbench.profile.duel.life import Life
from pocketbench.workflow.gate.judge import find_ratio, judge_duel, make_duel

RULE = Rule(threshold=1.015)


def make_ratio(value: float) -> Ratio:
    return Ratio(value=value, low=value - 0.01, high=value + 0.01, confidence=0.99)


DUEL = Duel(
    clock="thread",
    ratio=make_ratio(1.034),
    threshold=1.015,
    detectable_ratio=1.021,
    self_ratio=make_ratio(1.0),
    self_test_passed=True,
    confirmation=None,
    base_ns=1e6,
    head_ns=1e6,
    pair_ratios=(1.03,) * 16,
    self_pair_ratios=(1.0,) * 8,
    call_count=768,
    duration_s=12.0,
)


def make_life(base_ns: int, head_ns: int) -> Life:
    sides = (0, 1, 1, 0, 1, 0, 0, 1)
    cpu_ns = tuple(head_ns if side else base_ns for side in sides)
    return Life(sides=sides, cpu_ns=cpu_ns, wall_ns=tuple(3 * value for value in cpu_ns))


def make_record(ratios: list[float], *, self_ratio: float = 1.0, duration_s: float = 1.0) -> DuelRecord:
    return DuelRecord(
        lives=[make_life(1000, round(1000 * ratio)) for ratio in ratios for _ in range(2)],
        self_lives=[make_life(1000, round(1000 * self_ratio)) for _ in ratios],
        duration_s=duration_s,
    )


class TestRecord:
    def test_one_process(self) -> None:
        duel = make_duel(make_record([1.1] * 8 + [1.2] * 8), None, "thread", RULE)
        assert duel.pair_ratios == pytest.approx([1.1] * 8 + [1.2] * 8)
        # of the means of pairs of logarithms, the middle one is that of one of each kind
        assert duel.ratio.value == pytest.approx(math.sqrt(1.1 * 1.2))
        assert duel.self_pair_ratios == (1.0,) * 8
        assert (duel.self_ratio.value, duel.self_test_passed) == (1.0, True)
        assert (duel.base_ns, duel.head_ns) == (1000, 1150)
        assert duel.confirmation is None
        assert duel.call_count == (32 + 16) * 8
        assert (duel.threshold, duel.clock, duel.duration_s) == (1.015, "thread", 1.0)

    def test_the_clock_on_the_wall_reads_its_own_samples(self) -> None:
        duel = make_duel(make_record([1.1] * 8), None, "wall", RULE)
        assert (duel.base_ns, duel.head_ns) == (3000, 3300)

    def test_two_processes_are_one_duel_and_the_second_is_told_by_itself(self) -> None:
        first, second = make_record([1.1] * 8, duration_s=2.0), make_record([1.3] * 8, duration_s=3.0)
        duel = make_duel(first, second, "thread", RULE)
        assert duel.pair_ratios == pytest.approx([1.1] * 8 + [1.3] * 8)
        assert duel.ratio.value == pytest.approx(math.sqrt(1.1 * 1.3))
        assert duel.confirmation is not None
        assert duel.confirmation.value == pytest.approx(1.3)
        assert duel.duration_s == 5.0
        assert duel.call_count == 2 * (16 + 8) * 8

    def test_base_against_itself_in_both_processes(self) -> None:
        good, bad = make_record([1.0] * 16), make_record([1.0] * 16, self_ratio=1.1)
        assert make_duel(good, good, "thread", RULE).self_test_passed
        assert not make_duel(bad, bad, "thread", RULE).self_test_passed

    def test_it_comes_back_from_its_text(self) -> None:
        duel = make_duel(make_record([1.1] * 3), make_record([1.3] * 8), "thread", RULE)
        assert parse_record(dump_record(duel), Duel, "here") == duel

    def test_few_pairs_have_no_interval(self) -> None:
        assert find_ratio([math.log(1.5)]) == Ratio(value=1.5, low=None, high=None, confidence=0.99)
        found = find_ratio([math.log(1.5)] * 8)
        assert (found.low, found.high) == pytest.approx((1.5, 1.5))


@pytest.mark.parametrize(
    ("first", "second", "verdict", "words"),
    [
        ("regressed", "regressed", "regressed", "+3.4 % is beyond the +1.5 % that is allowed, in two processes"),
        ("regressed", "pass", "pass", "a fresh process did not confirm it (+3.4 % in both together)"),
        ("regressed", "inconclusive", "inconclusive", "a fresh process could not decide (+3.4 % in both)"),
        ("regressed", "improved", "inconclusive", "a fresh process could not decide"),
        ("improved", None, "improved", "+3.4 %"),
        ("inconclusive", None, "inconclusive", "would have found only +2.1 % or more (+3.4 % is the best guess)"),
    ],
)
def test_verdict_of_two_processes(first: str, second: str | None, verdict: str, words: str) -> None:
    found, reason = judge_duel(first, second, DUEL)
    assert found == verdict
    assert words in reason


@pytest.mark.parametrize("first", ["regressed", "improved", "pass", "inconclusive"])
def test_a_failed_self_test_is_stronger_than_any_verdict(first: str) -> None:
    duel = replace(DUEL, self_test_passed=False, self_ratio=make_ratio(1.03))
    told = "base against itself came out at +3.0 %: the machine is too noisy to decide"
    assert judge_duel(first, first, duel) == ("inconclusive", told)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (1.004, "+0.4 % is within the +1.5 % that is allowed"),
        (0.99, "-1.0 % is within the +1.5 % that is allowed"),
        (1.02, "+2.0 % is not surely beyond the +1.5 % that is allowed, and surely below twice that"),
    ],
)
def test_a_pass_does_not_call_more_than_is_allowed_less(value: float, reason: str) -> None:
    assert judge_duel("pass", None, replace(DUEL, ratio=make_ratio(value))) == ("pass", reason)
