import random

import pytest

from pocketbench.reports.pareto import find_pareto_front


def find_by_brute_force(points: list[tuple[float, float]]) -> set[int]:
    """No other point is at least as good in both and better in one."""
    return {
        index
        for index, (cost, value) in enumerate(points)
        if not any(c <= cost and v >= value and (c, v) != (cost, value) for c, v in points)
    }


@pytest.mark.parametrize("seed", range(40))
def test_front_is_that_of_the_definition(seed: int) -> None:
    generator = random.Random(seed)
    grid = generator.choice([3, 10, 1000])  # a coarse grid makes ties in cost, in value and in both
    points = [(generator.randrange(grid), generator.randrange(grid)) for _ in range(generator.randrange(40))]
    front = find_pareto_front(points)
    assert set(front) == find_by_brute_force(points)
    assert len(front) == len(set(front))
    assert [points[index][0] for index in front] == sorted(points[index][0] for index in front)


def test_ties() -> None:
    assert find_pareto_front([(1, 1), (1, 2), (2, 2), (1, 2)]) == [1, 3]
    assert find_pareto_front([]) == []
