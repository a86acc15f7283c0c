"""A suite with a [train] table has the weights of its first seed, and tells what every seed reached."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pocketbench.core.errors import FileFault, UsageError
from pocketbench.core.jsonio import dump_record
from pocketbench.core.model_files import hash_model_file
from pocketbench.workflow.suites import Suite, read_suite
from pocketbench.workflow.train_models import TrainRequest, list_requests
from pocketbench.workflow.trained_weights import read_trained_accuracies, read_trained_suite
from tests.accuracy.training_samples import TRAINING, write_weights
from tests.workflow.bars_suite import MODEL, format_suite

TEXT = format_suite(title="bars", seeds=[5, 1], epochs=3)


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Suite:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "bars.toml").write_text(TEXT)
    return read_suite("bars")


def train(suite: Suite, folder: str, top1: float = 0.9, seeds: tuple[int, ...] = (5, 1)) -> list[TrainRequest]:
    assert suite.train is not None
    requests = list_requests(suite.models, suite.train, Path(folder), seeds)
    for request in requests:
        write_weights(request.path, make_training(request, top1))
    return requests


def make_training(request: TrainRequest, top1: float):
    epochs = (replace(TRAINING.epochs[0], top1_fraction=top1),)
    return replace(TRAINING, spec=request.spec, recipe=request.recipe, seed=request.seed, epochs=epochs)


def test_the_weights_are_those_of_the_first_seed(suite: Suite) -> None:
    requests = train(suite, "out/train")
    models = read_trained_suite("bars").models
    assert [spec.checkpoint for spec in models] == [str(request.path) for request in requests[:2]]
    assert [spec.checkpoint_sha256 for spec in models] == [hash_model_file(request.path) for request in requests[:2]]
    assert {spec.weights for spec in models} == {"given"}
    assert {spec.preprocessing for spec in models} == {TRAINING.preprocessing}
    assert [spec.block for spec in models] == [None, "eca"]


def test_own_trainings_come_before_those_that_the_suite_came_with(suite: Suite) -> None:
    shipped = train(suite, "suites/bars", seeds=(5,))
    assert [spec.checkpoint for spec in read_trained_suite("bars").models] == [str(item.path) for item in shipped]
    own = train(suite, "out/train")
    assert [spec.checkpoint for spec in read_trained_suite("bars").models] == [str(item.path) for item in own[:2]]


def test_a_suite_that_is_not_trained_is_no_suite_of_random_weights(suite: Suite) -> None:
    with pytest.raises(
        UsageError, match=r"no trained weights of mobilenet_v2_0\.1_3classes_1x1x16x16 and of 1 more"
    ) as one:
        read_trained_suite("bars")
    assert one.value.cure == "pocketbench train --suite bars"
    requests = train(suite, "out/train", seeds=(1,))
    with pytest.raises(UsageError, match="no trained weights"):  # the second seed is not the first
        read_trained_suite("bars")
    write_weights(
        list_requests(suite.models, suite.train, Path("out/train"), [5])[0].path, make_training(requests[1], 1)
    )
    with pytest.raises(FileFault, match="other weights than its name says"):
        read_trained_suite("bars")


@pytest.mark.usefixtures("suite")
def test_a_suite_without_a_recipe_is_as_its_file_says(tmp_path: Path) -> None:
    head, _, _ = TEXT.partition("[train]")
    (tmp_path / "suites" / "bars.toml").write_text(head + MODEL)
    assert read_trained_suite("bars") == read_suite("bars")
    assert read_trained_accuracies(read_suite("bars")) == []


def test_what_every_seed_reached_comes_from_the_records_and_from_own_files(suite: Suite, tmp_path: Path) -> None:
    requests = train(suite, "suites/bars", seeds=(5, 1, 7))
    records = [make_training(request, 0.5) for request in requests]
    records.append(replace(records[0], recipe=replace(records[0].recipe, epoch_count=9)))  # of an older recipe
    path = tmp_path / "suites" / "bars" / "trainings.jsonl"
    path.write_text("".join(dump_record(record) + "\n" for record in records))
    train(suite, "out/train", top1=0.8, seeds=(5,))
    found = read_trained_accuracies(read_trained_suite("bars"))
    latest = {(item.spec.block, item.seed): item.top1_fraction for item in found}
    assert latest == {(None, 5): 0.8, ("eca", 5): 0.8, (None, 1): 0.5, ("eca", 1): 0.5}
    assert {(item.dataset, item.image_count) for item in found} == {("bars", 90)}
    path.write_text(path.read_text() + '{"format": 1}\n')
    with pytest.raises(FileFault, match="line 8"):
        read_trained_accuracies(suite)
