"""Two accuracies compared picture by picture."""

from __future__ import annotations

import base64
import random
from collections import Counter
from dataclasses import replace

import pytest

from pocketbench.core.paired_accuracies import bound_difference, choose_pictures, compare_accuracies, pack_bits
from pocketbench.core.records import Accuracy


def make_accuracy(right, split_count=None, unreadable_count=0):
    return Accuracy(
        backbone="net",
        block=None,
        width_ratio=None,
        reduction_ratio=None,
        artifact_sha256="a" * 64,
        dataset="pictures",
        split="test",
        image_count=len(right) - unreadable_count,
        top1_fraction=sum(right) / (len(right) - unreadable_count),
        top5_fraction=None,
        origin="measured",
        source="pocketbench",
        dataset_sha256="d" * 64,
        split_count=split_count or len(right),
        unreadable_count=unreadable_count,
        top1_bits=pack_bits(right),
    )


def test_a_subset_is_spread_over_the_split_and_meets_every_class():
    for count, limit in ((10_000, 200), (50_000, 999), (7, 6), (10, 1)):
        chosen = choose_pictures(count, limit)
        assert len(chosen) == len(set(chosen)) == limit
        assert all(index * count // limit <= place < (index + 1) * count // limit for index, place in enumerate(chosen))
    classes = Counter(index % 10 for index in choose_pictures(10_000, 200))
    assert len(classes) == 10
    assert max(classes.values()) <= 30
    assert choose_pictures(5) == choose_pictures(5, 5) == choose_pictures(5, 9) == [0, 1, 2, 3, 4]


def test_bits_are_numpys():
    import numpy as np

    right = [bool(value) for value in np.random.default_rng(0).integers(0, 2, 21)]
    assert base64.b64decode(pack_bits(right)) == np.packbits(right).tobytes()


def test_what_was_lost_and_won_is_counted():
    base = make_accuracy([True, True, True, False, False, True, True, True, True, True])
    head = make_accuracy([True, False, False, True, False, True, True, True, True, True])
    difference = compare_accuracies(base, head)
    assert (difference.picture_count, difference.lost_count, difference.won_count) == (10, 2, 1)
    assert difference.difference_fraction == pytest.approx(head.top1_fraction - base.top1_fraction)
    assert difference.low_fraction < -0.1 < difference.high_fraction


def test_a_subset_is_compared_on_its_own_pictures():
    source = random.Random(3)
    whole = [source.random() < 0.8 for _ in range(100)]
    chosen = choose_pictures(100, 30)
    part = [whole[index] for index in chosen]
    flipped = [not part[0], *part[1:]]
    base, head = make_accuracy(whole), make_accuracy(flipped, split_count=100)
    found = compare_accuracies(base, head)
    assert (found.picture_count, found.lost_count + found.won_count) == (30, 1)
    back = compare_accuracies(head, base)
    assert (back.lost_count, back.won_count) == (found.won_count, found.lost_count)
    assert compare_accuracies(make_accuracy(part[:20], split_count=100), head) is None


def test_unreadable_pictures_are_not_counted():
    base = make_accuracy([True, False, True, True], unreadable_count=1)
    head = make_accuracy([True, False, True, False], unreadable_count=1)
    assert compare_accuracies(base, head).picture_count == 3


@pytest.mark.parametrize(
    "change", [{"dataset_sha256": "e" * 64}, {"split": "train"}, {"top1_bits": None}, {"top1_bits": "AAAA"}]
)
def test_other_data_is_not_compared(change):
    base = make_accuracy([True, False, True])
    assert compare_accuracies(base, replace(base, **change)) is None


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """Pairs drawn with 2 % lost and 1 % won: the interval has to hold -1 % in about 95 % of the trials."""
    import numpy as np

    draws = np.random.default_rng(1).multinomial(1000, [0.02, 0.01, 0.97], 2000)
    bounds = [bound_difference(int(lost), int(won), 1000) for lost, won, _ in draws]
    held = sum(low <= -0.01 <= high for low, high in bounds) / len(bounds)
    assert 0.935 <= held <= 0.97


def test_the_interval_is_the_papers_formula():
    low, high = bound_difference(9, 2, 98)
    assert ((low + high) / 2, (high - low) / 2) == pytest.approx((-0.07, 1.959964 * ((0.13 - 0.0049) / 100) ** 0.5))
