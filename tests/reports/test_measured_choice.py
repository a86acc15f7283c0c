"""Which measured accuracies share a column, and the interval of a mean over seeds against scipy's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scipy import stats

from pocketbench.core.records import Accuracy, ModelSpec, TrainedAccuracy
from pocketbench.reports.measured_choice import T95, MixedDataError, choose_measured, summarise_seeds, to_top_one
from tests.reports.synthetic import make_accuracy, make_spec


def measure(sha256: str, top1: float = 0.9, **changes: object) -> Accuracy:
    given = {"origin": "measured", "artifact_sha256": sha256, "dataset": "shoes", "split": "test", "image_count": 100}
    return make_accuracy(top1, **(given | {"dataset_sha256": "d" * 64} | changes))


def train(top1: float, seed: int = 0, spec: ModelSpec | None = None, **changes: object) -> TrainedAccuracy:
    trained = TrainedAccuracy(
        spec=spec or make_spec(),
        seed=seed,
        recipe_sha256="r" * 64,
        dataset="shoes",
        dataset_sha256="d" * 64,
        image_count=100,
        top1_fraction=top1,
    )
    return replace(trained, **changes)  # type: ignore[arg-type]


def test_each_file_has_its_own_and_published_ones_belong_to_none() -> None:
    found = choose_measured({"a", "b"}, [measure("a", 0.8), measure("b", 0.7), measure("c"), make_accuracy(0.1)])
    assert {sha256: item.top1_fraction for sha256, item in found.items()} == {"a": 0.8, "b": 0.7}


def test_most_pictures_count_then_the_last_measurement() -> None:
    many, few, later = measure("a", 0.8), measure("a", 0.9, image_count=10), measure("a", 0.81)
    assert choose_measured({"a"}, [many, few]) == {"a": many}
    assert choose_measured({"a"}, [many, later, few]) == {"a": later}


@pytest.mark.parametrize("changes", [{"dataset": "hats"}, {"split": "train"}, {"dataset_sha256": "e" * 64}])
def test_files_that_were_judged_by_different_pictures_do_not_share_a_column(changes: dict[str, str]) -> None:
    accuracies = [measure("a"), measure("b", **changes)]
    with pytest.raises(MixedDataError, match="different pictures: shoes test") as caught:
        choose_measured({"a", "b"}, accuracies)
    assert ("--data hats or --data shoes" in caught.value.cure) == ("dataset" in changes)
    assert choose_measured({"a"}, accuracies)  # the other file is not in this table


def test_one_data_set_can_be_chosen_by_name() -> None:
    accuracies = [measure("a", 0.5), measure("a", 0.6, dataset="hats"), measure("b", 0.7, dataset="hats")]
    found = choose_measured({"a", "b"}, accuracies, "hats")
    assert {sha256: item.top1_fraction for sha256, item in found.items()} == {"a": 0.6, "b": 0.7}
    assert choose_measured({"a", "b"}, accuracies, "socks") == {}


def test_no_interval_where_the_pictures_were_not_counted() -> None:
    top1 = to_top_one(measure("a", image_count=None))
    assert (top1.low_fraction, top1.high_fraction) == (None, None)


def test_the_interval_over_seeds_is_students() -> None:
    tops = [0.90, 0.91, 0.93]
    (seeds,) = summarise_seeds([make_spec()], [train(top1, seed) for seed, top1 in enumerate(tops)], None)
    assert seeds is not None
    expected = stats.t.interval(0.95, 2, loc=sum(tops) / 3, scale=stats.sem(tops))
    assert (seeds.low_fraction, seeds.high_fraction) == pytest.approx(expected, rel=1e-4)
    assert seeds.mean_fraction == pytest.approx(sum(tops) / 3)
    assert seeds.fractions == (0.90, 0.91, 0.93)
    assert pytest.approx([stats.t.ppf(0.975, n) for n in range(1, 10)], rel=1e-3) == list(T95)


def test_one_seed_has_no_interval_and_trained_again_the_last_one_counts() -> None:
    (seeds,) = summarise_seeds([make_spec()], [train(0.9), train(0.8)], None)
    assert seeds is not None
    assert (seeds.fractions, seeds.low_fraction) == ((0.8,), None)


def test_a_training_belongs_to_its_network_whatever_its_weights() -> None:
    trained = [train(0.9), train(0.8, spec=make_spec("se", gate="sigmoid"))]
    same = make_spec(weights="given", checkpoint_sha256="c" * 64, seed=7)
    others = [make_spec("se", gate="hard_sigmoid"), make_spec(width_ratio=0.5), make_spec(class_count=10), None]
    found = summarise_seeds([same, *others], trained, None)
    assert found[0] is not None
    assert found[1:] == [None] * 4


@pytest.mark.parametrize("changes", [{"dataset": "hats"}, {"dataset_sha256": "e" * 64}, {"recipe_sha256": "s" * 64}])
def test_trainings_by_several_recipes_do_not_share_a_column(changes: dict[str, str]) -> None:
    trained = [train(0.9), train(0.8, spec=make_spec("se"), **changes)]
    with pytest.raises(MixedDataError, match="several recipes"):
        summarise_seeds([make_spec(), make_spec("se")], trained, None)
    assert summarise_seeds([make_spec()], trained, None)[0] is not None
    assert summarise_seeds([make_spec()], trained, "socks") == [None]
