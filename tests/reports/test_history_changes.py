import math
import random

import pytest

from pocketbench.reports.history_changes import LEAST_COUNT, estimate_spread, find_change_points


def draw_series(source: random.Random, count: int, *, noise: float = 0.02) -> list[float]:
    return [5e6 * math.exp(source.gauss(0, noise)) for _ in range(count)]


def add_step(series: list[float], start: int, ratio: float) -> list[float]:
    return [value * (ratio if index >= start else 1) for index, value in enumerate(series)]


@pytest.mark.parametrize("count", [30, 100])
def test_a_constant_series_is_hardly_ever_marked(count: int) -> None:
    source = random.Random(count)
    alarms = sum(bool(find_change_points(draw_series(source, count))) for _ in range(300))
    assert alarms <= 6  # 2 %; 0.4 % and 0 % are expected


def test_slow_outliers_are_no_levels() -> None:
    source = random.Random(3)
    alarms = 0
    for _ in range(200):
        series = [
            value * (source.uniform(1.05, 1.3) if source.random() < 0.05 else 1) for value in draw_series(source, 30)
        ]
        alarms += bool(find_change_points(series))
    assert alarms <= 4


@pytest.mark.parametrize(("ratio", "least"), [(1.05, 170), (1 / 1.05, 170), (1.10, 195)])
def test_a_step_is_found_where_it_is(ratio: float, least: int) -> None:
    source = random.Random(5)
    found = 0
    for _ in range(200):
        points = find_change_points(add_step(draw_series(source, 30), 15, ratio))
        found += any(abs(point - 15) <= 2 for point in points)
    assert found >= least


def test_levels_that_come_and_go() -> None:
    series = add_step(add_step(draw_series(random.Random(1), 60, noise=0.01), 20, 1.08), 40, 1 / 1.08)
    assert find_change_points(series) == [20, 40]


def test_without_noise_the_place_is_exact() -> None:
    assert find_change_points([5e6] * 9 + [5.25e6] * 9) == [9]


def test_a_difference_below_any_spread_is_no_level() -> None:
    assert find_change_points([5e6] * 15 + [5.01e6] * 15) == []
    assert find_change_points([5e6] * 30) == []


@pytest.mark.parametrize("count", [8, 12, 20, 60])
@pytest.mark.parametrize("odd", [1, 2])
def test_fewer_than_three_values_are_no_level(count: int, odd: int) -> None:
    level, other = [5e6] * count, [6e6] * odd
    assert find_change_points(level + other) == []
    assert find_change_points(other + level) == []
    assert find_change_points(level + other + level) == []


def test_three_values_are_a_level() -> None:
    assert find_change_points([5e6] * 20 + [6e6] * 3) == [20]


def test_a_short_series_is_left_alone() -> None:
    half = LEAST_COUNT // 2
    assert find_change_points([5e6] * (half - 1) + [9e6] * half) == []
    assert find_change_points([5e6] * half + [9e6] * half) == [half]
    assert find_change_points([]) == []


def test_the_spread_is_the_standard_deviation_and_steps_do_not_widen_it() -> None:
    source = random.Random(2)
    noise = [source.gauss(0, 0.02) for _ in range(4000)]
    assert estimate_spread(noise) == pytest.approx(0.02, rel=0.05)
    assert estimate_spread([item + (index > 2000) for index, item in enumerate(noise)]) == pytest.approx(0.02, rel=0.05)
    assert estimate_spread([0.0] * 10) == 0.005
