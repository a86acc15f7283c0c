"""Training: it learns, the same seed gives the same bits, and an interruption at any moment changes nothing."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch

from pocketbench.accuracy.train import TrainingFault, state_path, train_network
from pocketbench.accuracy.training_record import Training, read_training
from pocketbench.core.errors import FileFault, UsageError
from pocketbench.core.records import Preprocessing
from tests.accuracy.training_samples import JOB, RECIPE, make_data

DATA = make_data()
STEPS = 3 * (330 // 32)


def train(path: Path, job=JOB, data=DATA, on_step=lambda *_: None) -> Training:
    return train_network(job, data, path, "cpu", on_step)


def read_weights(path: Path) -> dict[str, bytes]:
    return {name: value.numpy().tobytes() for name, value in safetensors.torch.load_file(path).items()}


class Interruption(Exception):
    pass


def interrupt_at(step: int):
    def on_step(done: int, count: int) -> None:
        assert count == STEPS
        if done == step:
            raise Interruption

    return on_step


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("whole") / "seed3.safetensors"
    train(path)
    return path


def test_a_network_learns(whole):
    training = read_training(whole)
    losses = [epoch.train_loss for epoch in training.epochs]
    assert losses[-1] < losses[0] / 2
    assert training.top1_fraction > 0.95  # 1/3 by chance


def test_top1_is_that_of_the_weights_in_the_file(whole):
    """Computed anew from the file, by torch alone."""
    from tests.accuracy.nets import build_small

    model = build_small()
    model.load_state_dict(safetensors.torch.load_file(whole))
    inputs = (DATA.test.pictures / 255 - 0.3) / 0.3
    with torch.no_grad():
        right = model.eval()(inputs).argmax(1) == DATA.test.labels
    assert float(right.double().mean()) == read_training(whole).top1_fraction


def test_the_file_says_how_its_weights_came_about(whole):
    training = read_training(whole)
    assert (training.spec, training.recipe, training.seed) == (JOB.spec, RECIPE, 3)
    assert training.recipe_sha256 == RECIPE.sha256
    assert training.preprocessing == Preprocessing(
        size=(16, 16), channels=1, crop="center", resize=None, interpolation=None, mean=(0.3,), std=(0.3,)
    )
    assert (training.dataset, training.dataset_sha256, training.train_count, training.test_count) == (
        *("bars", "bars"),
        *(330, 90),
    )
    assert training.tools["torch"] == torch.__version__
    assert not state_path(whole).exists()


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(whole, tmp_path):
    again, other = tmp_path / "again.safetensors", tmp_path / "other.safetensors"
    torch.manual_seed(99)
    torch.rand(5)
    train(again)
    train(other, replace(JOB, seed=4))
    assert read_weights(again) == read_weights(whole)
    assert read_weights(other) != read_weights(whole)


def test_training_leaves_the_global_generator_alone(tmp_path):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(tmp_path / "a.safetensors", replace(JOB, recipe=replace(RECIPE, epoch_count=1)))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("step", [1, STEPS // 3, STEPS // 3 + 1, STEPS - 1, STEPS])
def test_after_an_interruption_it_goes_on_to_the_same_bits(whole, tmp_path, step):
    path = tmp_path / "seed3.safetensors"
    with pytest.raises(Interruption):
        train(path, on_step=interrupt_at(step))
    assert not path.exists()
    steps = []
    training = train(path, on_step=lambda done, _: steps.append(done))
    assert steps[0] == (step - 1) // (STEPS // 3) * (STEPS // 3) + 1  # from the last whole epoch on
    assert read_weights(path) == read_weights(whole)
    first = [(epoch.train_loss, epoch.top1_fraction) for epoch in read_training(whole).epochs]
    assert [(epoch.train_loss, epoch.top1_fraction) for epoch in training.epochs] == first
    assert [file.name for file in tmp_path.iterdir()] == ["seed3.safetensors"]


def test_shared_and_unused_weights_survive_an_interruption(tmp_path):
    job = replace(JOB, spec=replace(JOB.spec, backbone="tests.accuracy.nets:build_shared"))
    whole, path = tmp_path / "whole.safetensors", tmp_path / "seed3.safetensors"
    train(whole, job)
    with pytest.raises(Interruption):
        train(path, job, on_step=interrupt_at(STEPS - 1))
    train(path, job)
    weights = read_weights(path)
    assert weights == read_weights(whole)
    assert weights["first.weight"] == weights["second.weight"]


def test_the_state_of_another_recipe_is_not_continued(tmp_path):
    path = tmp_path / "seed3.safetensors"
    with pytest.raises(Interruption):
        train(path, on_step=interrupt_at(STEPS - 1))
    steps = []
    train(path, replace(JOB, recipe=replace(RECIPE, weight_decay=1e-3)), on_step=lambda done, _: steps.append(done))
    assert steps[0] == 1


@pytest.mark.parametrize("content", [b"", b"\x00" * 8, b"\xff" * 100, b"{}"])
def test_a_damaged_state_is_named(tmp_path, content):
    path = tmp_path / "seed3.safetensors"
    state_path(path).write_bytes(content)
    with pytest.raises(FileFault, match=r"seed3\.state") as caught:
        train(path)
    assert "delete" in caught.value.cure


def test_a_loss_that_is_no_number_is_an_error_that_names_the_epoch(tmp_path):
    path = tmp_path / "seed3.safetensors"
    with pytest.raises(TrainingFault, match=r"seed 3: the loss is (nan|inf) in epoch [12]") as caught:
        train(path, replace(JOB, recipe=replace(RECIPE, learning_rate=1e6)))
    assert "lower learning rate" in caught.value.cure
    assert not path.exists()


def test_data_that_fills_no_batch_is_refused(tmp_path):
    with pytest.raises(UsageError, match="330 pictures to train on, a batch 331"):
        train(tmp_path / "a.safetensors", replace(JOB, recipe=replace(RECIPE, batch_size=331)))


def test_a_network_without_a_score_for_each_class_is_refused(tmp_path):
    for function, what in (
        ("build_two_classes", "has the label 2, .* scores for 2"),
        ("build_map", r"\(2, 3, 16, 16\)"),
    ):
        spec = replace(JOB.spec, backbone=f"tests.accuracy.nets:{function}")
        with pytest.raises(UsageError, match=what):
            train(tmp_path / "a.safetensors", replace(JOB, spec=spec))


def test_label_smoothing_is_in_the_loss(tmp_path):
    smooth = train(tmp_path / "a.safetensors", replace(JOB, recipe=replace(RECIPE, label_smoothing=0.3)))
    # the least loss that smoothed targets of three classes allow: their entropy
    low, high = 0.1, 0.8
    assert smooth.epochs[-1].train_loss > -2 * low * math.log(low) - high * math.log(high)
