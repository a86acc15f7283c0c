"""The rule of the duel by simulation: how often it errs, and what it finds."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from pocketbench.core.duel_rule import (
    LOOKS,
    Decision,
    Rule,
    apply_holm,
    decide,
    find_detectable_ratio,
    passes_self_test,
)

RULE = Rule(threshold=1.015)
SPREAD = 0.015
Noise = Callable[[random.Random], float]


def draw_normal(source: random.Random) -> float:
    return source.gauss(0.0, SPREAD)


def draw_heavy(source: random.Random) -> float:
    """One of ten from a distribution four times as wide; the same standard deviation as `draw_normal`."""
    return source.gauss(0.0, SPREAD * (4.0 if source.random() < 0.1 else 1.0) / math.sqrt(2.5))


def fight(ratio: float, noise: Noise, source: random.Random, rule: Rule = RULE) -> tuple[str, list[float]]:
    """A whole duel: the looks at more and more pairs of one sequence. Its verdict and its pairs."""
    values: list[float] = []
    for count in rule.looks:
        values += [math.log(ratio) + noise(source) for _ in range(count - len(values))]
        decision = decide(values, rule, last=count == rule.looks[-1])
        if decision is not None:
            return decision.verdict, values
    raise AssertionError("the last look decides")


def count_verdicts(ratio: float, noise: Noise, times: int, rule: Rule = RULE) -> dict[str, int]:
    source = random.Random(20)
    counts = dict.fromkeys(("regressed", "improved", "pass", "inconclusive"), 0)
    for _ in range(times):
        counts[fight(ratio, noise, source, rule)[0]] += 1
    return counts


@pytest.mark.parametrize("noise", [draw_normal, draw_heavy])
def test_equal_models_are_not_called_slower(noise: Noise) -> None:
    counts = count_verdicts(1.0, noise, 300)
    assert counts["regressed"] == counts["improved"] == 0
    assert counts["pass"] >= 290


@pytest.mark.parametrize("noise", [draw_normal, draw_heavy])
def test_a_slowdown_on_the_threshold_is_called_one_as_seldom_as_the_level_says(noise: Noise) -> None:
    # 0.5 % of 400 is 2; 7 or more come once in 200 such tests where that is the rate
    assert count_verdicts(1.015, noise, 400)["regressed"] <= 6


@pytest.mark.parametrize("noise", [draw_normal, draw_heavy])
def test_three_percent_are_found(noise: Noise) -> None:
    counts = count_verdicts(1.03, noise, 200)
    assert counts["regressed"] >= 196
    assert counts["pass"] <= 1


@pytest.mark.parametrize("noise", [draw_normal, draw_heavy])
def test_a_gain_of_three_percent_is_found(noise: Noise) -> None:
    counts = count_verdicts(1 / 1.03, noise, 100)
    assert counts["improved"] >= 95
    assert counts["regressed"] == counts["inconclusive"] == 0


def test_a_machine_too_noisy_for_the_question_gets_no_answer() -> None:
    counts = count_verdicts(1.015, lambda source: source.gauss(0.0, 0.2), 60)
    assert counts["inconclusive"] >= 50
    assert counts["regressed"] == 0


def test_it_stops_as_soon_as_it_has_seen_enough() -> None:
    assert len(fight(1.1, draw_normal, random.Random(0))[1]) == LOOKS[0]
    assert len(fight(1.0, lambda source: source.gauss(0.0, 0.003), random.Random(0))[1]) == LOOKS[0]


def test_the_slowdown_that_it_says_it_can_find_it_finds() -> None:
    """By what a duel saw of the noise, a slowdown is foretold that others call regressed 95 times in 100: on average
    over such duels a little less often, since one may have seen too little noise."""
    source = random.Random(3)
    found, found_half = 0, 0
    for _ in range(60):
        detectable = find_detectable_ratio([draw_normal(source) for _ in range(64)], RULE)
        assert detectable is not None
        half = math.exp((math.log(detectable) + RULE.margin) / 2)
        found += sum(fight(detectable, draw_normal, source)[0] == "regressed" for _ in range(5))
        found_half += sum(fight(half, draw_normal, source)[0] == "regressed" for _ in range(2))
    assert 0.90 <= found / 300 <= 0.99
    assert found_half / 120 <= 0.5


def test_what_it_can_find_shrinks_with_the_noise_and_begins_at_the_threshold() -> None:
    values = [draw_normal(random.Random(seed)) for seed in range(64)]
    found = find_detectable_ratio(values, RULE)
    half = find_detectable_ratio([value / 2 for value in values], RULE)
    assert found is not None
    assert half is not None
    assert math.log(half) - RULE.margin == pytest.approx((math.log(found) - RULE.margin) / 2)
    assert find_detectable_ratio([0.0] * 16, RULE) == pytest.approx(1.015)
    assert find_detectable_ratio([0.0] * 7, RULE) is None  # 7 pairs have no 99 % interval


ABOVE, WITHIN, BELOW = 0.05, 0.005, -0.05
T = math.log(1.015)


def spread_evenly(center: float, width: float, count: int = 64) -> list[float]:
    return [center + width * ((index + 0.5) / count - 0.5) for index in range(count)]


class TestDecision:
    @pytest.mark.parametrize(
        ("values", "last", "verdict"),
        [
            ([ABOVE] * 16, False, "regressed"),
            ([ABOVE] * 16, True, "regressed"),
            ([BELOW] * 16, False, "improved"),
            ([WITHIN] * 16, False, "pass"),
            ([WITHIN] * 16, True, "pass"),
            # a value on the threshold is no slowdown, and not below it either: only the last look lets it pass
            ([T] * 16, False, None),
            ([T] * 16, True, "pass"),
            # half above and half below: the interval reaches beyond what is allowed
            ([0.05, -0.05] * 8, False, None),
            ([0.05, -0.05] * 8, True, "inconclusive"),
            # the standard error of 64 values spread evenly over 2 % is 0.07 %, the interval 1.4 to 1.8 %, t is 1.49 %:
            # what is below 2 t for sure is let pass in the end; spread over 40 % nothing is sure
            (spread_evenly(0.016, 0.02), False, None),
            (spread_evenly(0.016, 0.02), True, "pass"),
            (spread_evenly(0.016, 0.4), True, "inconclusive"),
            (spread_evenly(0.028, 0.02), True, "regressed"),
            (spread_evenly(-0.028, 0.02), True, "improved"),
            # too few for any test
            ([ABOVE], True, "inconclusive"),
            ([BELOW], True, "inconclusive"),
            ([WITHIN] * 7, True, "inconclusive"),
            ([WITHIN] * 8, True, "pass"),
        ],
    )
    def test_verdict(self, values: list[float], last: bool, verdict: str | None) -> None:
        found = decide(values, RULE, last=last)
        assert (None if found is None else found.verdict) == verdict

    def test_p_value_is_for_all_looks_and_at_most_one(self) -> None:
        # 16 of 16 above: p = 2^-16, three looks
        assert decide([ABOVE] * 16, RULE, last=False) == Decision(verdict="regressed", p_value=3 / 2**16)
        found = decide([BELOW] * 16, RULE, last=False)
        assert found is not None
        assert found.p_value == 1.0

    def test_the_level_is_shared_by_looks_and_cells(self) -> None:
        # all of n above: p = 2^-n. Alone 0.5 % / 3 looks = 2^-9.2; with 100 cells 2^-15.9; with 110 2^-16.01
        def verdict(count: int, cell_count: int) -> str:
            found = decide([ABOVE] * count, Rule(threshold=1.015, cell_count=cell_count), last=True)
            assert found is not None
            return found.verdict

        assert verdict(10, 1) == "regressed"
        assert verdict(9, 1) == "inconclusive"
        assert verdict(16, 100) == "regressed"
        assert verdict(16, 110) == "inconclusive"

    def test_gains_are_tested_as_strictly(self) -> None:
        def verdict(cell_count: int) -> str:
            found = decide([BELOW] * 16, Rule(threshold=1.015, cell_count=cell_count), last=True)
            assert found is not None
            return found.verdict

        assert (verdict(100), verdict(110)) == ("improved", "pass")


class TestSelfTest:
    def test_noise_passes(self) -> None:
        source = random.Random(5)
        passed = sum(passes_self_test([draw_normal(source) for _ in range(8)], RULE) for _ in range(200))
        assert passed >= 198

    @pytest.mark.parametrize("ratio", [1.05, 1 / 1.05])
    def test_a_base_that_differs_from_itself_fails(self, ratio: float) -> None:
        source = random.Random(6)
        values = [math.log(ratio) + source.gauss(0.0, 0.005) for _ in range(8)]
        assert not passes_self_test(values, RULE)

    @pytest.mark.parametrize("sign", [1, -1])
    def test_half_of_what_is_allowed_is_the_limit(self, sign: int) -> None:
        assert passes_self_test([sign * 0.499 * T] * 8, RULE)
        assert not passes_self_test([sign * 0.501 * T] * 8, RULE)
        assert passes_self_test([sign * 0.501 * T] * 8, Rule(threshold=1.02))


class TestHolm:
    """By hand: the smallest p-value of n meets the level a / n, the next a / (n - 1); the first that fails ends it."""

    @pytest.mark.parametrize(
        ("p_values", "rejected"),
        [
            ([], []),
            ([0.05], [True]),
            ([0.051], [False]),
            ([0.01, 0.04, 0.03, 0.005], [True, False, False, True]),  # 0.0125, 0.0167, 0.025: 0.03 ends it
            ([0.024, 0.02], [True, True]),
            ([0.026, 0.026], [False, False]),
            ([0.04, 0.02], [True, True]),  # Bonferroni's 0.025 would keep the first
            ([0.9, 0.0125, 0.0166, 0.025], [False, True, True, True]),
            ([0.02, 0.02, 0.02], [False, False, False]),
        ],
    )
    def test_table(self, p_values: list[float], rejected: list[bool]) -> None:
        assert apply_holm(p_values, 0.05) == rejected

    def test_family_errs_as_seldom_as_one(self) -> None:
        source = random.Random(8)
        wrong = sum(any(apply_holm([source.random() for _ in range(10)], 0.05)) for _ in range(4000))
        assert 0.04 <= wrong / 4000 <= 0.06
