"""Right and wrong from scores."""

from __future__ import annotations

import numpy as np
import pytest

from pocketbench.accuracy.scores import count_right, rank_labels
from pocketbench.core.errors import MeasurementFault


def test_top_k_is_that_of_a_sort():
    source = np.random.default_rng(0)
    scores = source.standard_normal((500, 12)).astype(np.float32)
    labels = source.integers(0, 12, 500)
    ranks = rank_labels(scores, labels)
    hits = np.argsort(-scores, axis=1)[:, :5] == labels[:, None]
    assert count_right(ranks, 1) == int(hits[:, 0].sum())
    assert count_right(ranks, 5) == int(hits.any(1).sum())


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.float16])
def test_of_equal_scores_the_lower_class_is_ahead(dtype):
    scores = np.array([[3, 7, 7, 1]] * 4, dtype)
    assert rank_labels(scores, np.arange(4)).tolist() == [2, 0, 1, 3]
    assert np.argmax(scores[0]) == 1


def test_scores_that_are_no_numbers_are_refused_and_infinite_ones_are_not():
    scores = np.array([[-np.inf, 0.0], [0.0, -np.inf]], np.float32)
    assert rank_labels(scores, np.array([1, 1])).tolist() == [0, 1]
    scores[1, 0] = np.nan
    with pytest.raises(MeasurementFault, match="NaN"):
        rank_labels(scores, np.array([1, 1]))


def test_what_was_not_judged_is_not_right():
    assert count_right(np.array([-1, 0, 4, 5]), 1) == 1
    assert count_right(np.array([-1, 0, 4, 5]), 5) == 2
