"""The pairs of a duel, with an arena that follows a script."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from pocketbench.core.duel_rule import Rule
from pocketbench.profile.duel.arena import BASE, BASE_AGAIN, HEAD, DuelPlan
from pocketbench.profile.duel.duel import DuelRecord, pair_log_ratios, run_duel, run_pair
from pocketbench.profile.duel.life import list_order
from tests.profile.duel.fake_arena import FakeArena

PLAN = DuelPlan(engine="onnxruntime")
RULE = Rule(threshold=1.015)
SIDES = (BASE, HEAD)


@pytest.mark.parametrize("turn", range(8))
def test_a_pair_cancels_what_a_place_gives(turn: int) -> None:
    arena = FakeArena(layout=0.0, second_place=0.95)
    lives = run_pair(arena, PLAN, SIDES, turn)
    assert sorted(life.log_ratio("thread") for life in lives) == pytest.approx([math.log(0.95), -math.log(0.95)])
    assert pair_log_ratios(lives, "thread") == pytest.approx([0.0], abs=1e-6)


@pytest.mark.parametrize("turn", range(8))
def test_a_slower_head_is_above_one_whoever_comes_first(turn: int) -> None:
    arena = FakeArena(layout=0.0, second_place=0.9, head=1.2)
    lives = run_pair(arena, PLAN, SIDES, turn)
    assert pair_log_ratios(lives, "thread") == pytest.approx([math.log(1.2)], abs=1e-5)
    assert all(sum(life.sides) == len(life.sides) // 2 for life in lives)


def test_places_and_beginnings_are_shared_out_evenly() -> None:
    """Over four turns: who is loaded first, who is called first, in the first life of a pair and in the second."""
    arena = FakeArena()
    for turn in range(4):
        run_pair(arena, PLAN, SIDES, turn)
    assert arena.orders == [list_order(PLAN.round_count, life // 2) for life in range(8)]
    for begin in (0, 1):
        lives, orders = arena.lives[begin::2], arena.orders[begin::2]
        seen = Counter((lived[0], order[0]) for lived, order in zip(lives, orders, strict=True))
        assert seen == {(loaded, called): 1 for loaded in (BASE, HEAD) for called in (0, 1)}
    for first, second in zip(arena.lives[::2], arena.lives[1::2], strict=True):
        assert first == second[::-1]


def test_every_second_pair_is_followed_by_one_of_base_and_base() -> None:
    arena = FakeArena()
    told: list[int] = []
    record = run_duel(arena, PLAN, RULE, 600.0, told.append)
    assert told == list(range(1, 17))
    pairs = [{*lived} for lived in arena.lives[::2]]
    assert pairs == [{BASE, HEAD}, {BASE, HEAD}, {BASE, BASE_AGAIN}] * 8
    assert (len(record.lives), len(record.self_lives)) == (32, 16)
    assert len(record.log_ratios("thread")) == 16
    assert len(record.self_log_ratios("thread")) == 8


def test_what_comes_before_a_pair_of_base_and_base_is_shared_out_evenly() -> None:
    arena = FakeArena()
    run_duel(arena, PLAN, RULE, 600.0)
    turns = [(lived[0] == BASE, order[0]) for lived, order in zip(arena.lives[::2], arena.orders[::2], strict=True)]
    # of the two turns after which one comes, each is followed by each of the four turns that there are
    assert Counter(zip(turns[1::3], turns[2::3], strict=True)) == {
        (before, (loaded, called)): 1 for before in {*turns[1::3]} for loaded in (True, False) for called in (0, 1)
    }


def test_it_goes_on_while_nothing_is_clear_and_ends_with_the_last_look() -> None:
    rule = Rule(threshold=1.015, looks=(8, 12))
    record = run_duel(FakeArena(head=1.015, layout=0.03), PLAN, rule, 600.0)
    assert len(record.lives) == 24
    assert record.decision is not None
    assert record.decision.verdict == "inconclusive"


def test_it_decides_at_looks_alone() -> None:
    told: list[int] = []
    record = run_duel(FakeArena(head=2.0), PLAN, RULE, 600.0, told.append)
    assert record.decision is not None
    assert record.decision.verdict == "regressed"
    assert told[-1] == 16


def test_the_end_of_the_time_decides_by_what_was_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def pass_time(_life: int) -> None:
        now[0] += 1.0

    # two lives a pair, two of base and base after every second: 20 pairs and 10 take 60 s
    record = run_duel(FakeArena(head=1.015, before_life=pass_time), PLAN, RULE, 60.0)
    assert len(record.lives) == 40
    assert record.duration_s == 60.0
    assert record.decision is not None
    assert record.decision.verdict in ("pass", "inconclusive")


def test_several_threads_are_judged_by_the_wall() -> None:
    class OnlyWall(FakeArena):
        def run_life(self, fighters: tuple[int, int], order: list[int], turn: int) -> tuple[list[int], list[int]]:
            wall_ns, _ = super().run_life(fighters, order, turn)
            return wall_ns, [1000] * len(order)

    several = DuelPlan(engine="onnxruntime", thread_count=4)
    assert (PLAN.clock, several.clock) == ("thread", "wall")
    assert run_duel(OnlyWall(head=1.1), several, RULE, 600.0).decision.verdict == "regressed"
    assert run_duel(OnlyWall(head=1.1), PLAN, RULE, 600.0).decision.verdict == "pass"


def test_a_life_without_its_partner_counts_for_nothing() -> None:
    record = DuelRecord(lives=run_pair(FakeArena(layout=0.0, head=1.1), PLAN, SIDES, 0)[:1])
    assert record.log_ratios("thread") == []
