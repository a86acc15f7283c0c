from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from pocketbench.profile.rotation import order_round


@pytest.mark.parametrize("cell_count", range(1, 9))
def test_each_cell_follows_each_other_equally_often(cell_count: int) -> None:
    period = cell_count if cell_count % 2 == 0 else 2 * cell_count
    followed = Counter()
    for round_index in range(period):
        order = order_round(cell_count, round_index)
        assert sorted(order) == list(range(cell_count))
        followed.update(pairwise(order))
    expected = {(a, b) for a in range(cell_count) for b in range(cell_count) if a != b}
    assert set(followed) == expected
    assert len(set(followed.values())) <= 1


def test_two_cells_alternate_who_goes_first() -> None:
    assert [order_round(2, round_index) for round_index in range(4)] == [[0, 1], [1, 0], [0, 1], [1, 0]]


def test_no_cell_follows_the_same_other_within_a_few_rounds() -> None:
    pairs = [pair for round_index in range(6) for pair in pairwise(order_round(12, round_index))]
    assert len(pairs) == len(set(pairs))


def test_no_cells_have_an_empty_round() -> None:
    assert order_round(0, 3) == []
