from dataclasses import replace

import pytest

from pocketbench.core.paired_accuracies import compare_accuracies, pack_bits
from pocketbench.reports.accuracy_difference import subtract_accuracies
from pocketbench.reports.measured_choice import to_top_one
from tests.reports.synthetic import make_accuracy


def judge(right: int, count: int):
    return to_top_one(make_accuracy(right / count, image_count=count, origin="measured"))


@pytest.mark.parametrize(
    ("head", "base", "low", "high"),
    [((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090)],
)
def test_the_interval_is_that_of_newcombes_table(head, base, low, high) -> None:
    found = subtract_accuracies(judge(*head), judge(*base))
    assert (round(found.low_fraction, 4), round(found.high_fraction, 4)) == (low, high)
    assert not found.is_paired
    back = subtract_accuracies(judge(*base), judge(*head))
    assert (back.low_fraction, back.high_fraction) == pytest.approx((-found.high_fraction, -found.low_fraction))
    assert back.is_surely_less
    assert not found.is_surely_less


def test_the_same_pictures_are_compared_one_by_one() -> None:
    """9 of 100 against 4 of 100, of the same pictures: unpaired nobody could tell."""
    bits = [pack_bits([place < right for place in range(100)]) for right in (40, 49)]
    kept = {"origin": "measured", "image_count": 100, "split_count": 100, "dataset_sha256": "d" * 64}
    base, head = (
        to_top_one(replace(make_accuracy(right / 100, **kept), top1_bits=text))
        for right, text in zip((40, 49), bits, strict=True)
    )
    found = subtract_accuracies(base, head)
    paired = compare_accuracies(head.accuracy, base.accuracy)
    assert found.is_paired
    assert found.fraction == pytest.approx(-0.09)
    assert (found.low_fraction, found.high_fraction) == (paired.low_fraction, paired.high_fraction)
    assert found.is_surely_less
    unpaired = subtract_accuracies(judge(40, 100), judge(49, 100))
    assert not unpaired.is_surely_less


def test_without_a_number_of_pictures_there_is_no_interval() -> None:
    published = [to_top_one(make_accuracy(value)) for value in (0.71, 0.72)]
    found = subtract_accuracies(*published)
    assert (found.low_fraction, found.high_fraction) == (None, None)
    assert found.is_surely_less
    assert not subtract_accuracies(*reversed(published)).is_surely_less
