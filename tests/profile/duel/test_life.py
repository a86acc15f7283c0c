from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from pocketbench.profile.duel.life import CoarseClockError, Life, list_order


def make_life(**changes: Any) -> Life:
    values = {"sides": (0, 1, 1, 0, 1, 0, 0, 1), "wall_ns": (100,) * 8, "cpu_ns": (100,) * 8}
    return Life(**(values | changes))


@pytest.mark.parametrize("turn", [0, 1, 2, 7])
@pytest.mark.parametrize("round_count", [1, 3, 10])
class TestOrder:
    def test_each_place_is_called_as_often_in_every_half_round(self, round_count: int, turn: int) -> None:
        order = list_order(round_count, turn)
        assert len(order) == 8 * round_count
        assert all(sum(order[start : start + 4]) == 2 for start in range(0, len(order), 4))

    def test_each_follows_itself_and_the_other_as_often(self, round_count: int, turn: int) -> None:
        order = list_order(round_count, turn)
        followed = Counter(pairwise([*order, order[0]]))  # closed: a round follows a round
        assert followed[0, 0] == followed[1, 1] == round_count
        assert followed[0, 1] == followed[1, 0] == 3 * round_count

    def test_a_steady_drift_falls_out_of_a_round(self, round_count: int, turn: int) -> None:
        order = list_order(round_count, turn)
        for start in range(0, len(order), 8):
            times = {side: sum(at for at in range(start, start + 8) if order[at] == side) for side in (0, 1)}
            assert times[0] == times[1]


def test_turns_begin_with_the_other_place() -> None:
    assert [list_order(2, turn)[0] for turn in range(4)] == [0, 1, 0, 1]
    assert list_order(2, 1) == [1 - place for place in list_order(2, 0)]


def test_log_ratio_is_the_median_of_rounds() -> None:
    # side 1 takes 1.1, 1.2 and 9 times what side 0 takes, round by round: a hiccup in one round is none in the median
    sides = (0, 1, 1, 0, 1, 0, 0, 1)
    samples = [round(100 * ratio) if side else 100 for ratio in (1.1, 9.0, 1.2) for side in sides]
    life = Life(sides=sides * 3, wall_ns=(7,) * 24, cpu_ns=tuple(samples))
    assert life.log_ratio("thread") == pytest.approx(math.log(1.2))
    assert life.log_ratio("process") == pytest.approx(math.log(1.2))
    assert life.log_ratio("wall") == 0.0


def test_a_round_is_the_ratio_of_sums_whoever_was_called_when() -> None:
    # by hand: side 0 has 1 + 2 + 3 + 4 = 10, side 1 has 5 + 6 + 7 + 8 = 26
    life = make_life(sides=(1, 1, 1, 1, 0, 0, 0, 0), cpu_ns=(5, 6, 7, 8, 1, 2, 3, 4))
    assert life.log_ratio("thread") == pytest.approx(math.log(2.6))
    assert life.side_samples(0, "thread") == [1, 2, 3, 4]
    assert life.side_samples(1, "thread") == [5, 6, 7, 8]
    assert life.side_samples(1, "wall") == [100] * 4


@pytest.mark.parametrize("silent", [0, 1])
def test_no_time_at_all_is_an_error_that_says_so(silent: int) -> None:
    sides = make_life().sides
    life = make_life(cpu_ns=tuple(0 if side == silent else 100 for side in sides))
    with pytest.raises(CoarseClockError, match=r"8 calls took .* the clock is too coarse"):
        life.log_ratio("thread")
    assert life.log_ratio("wall") == 0.0
