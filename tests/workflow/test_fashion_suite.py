"""The suite that comes trained: its weights are those that its records speak of."""

from __future__ import annotations

from pathlib import Path

import pytest

from pocketbench.accuracy.datasets.catalog import open_dataset
from pocketbench.accuracy.epoch import Normalisation, measure_top1
from pocketbench.accuracy.training_data import read_examples
from pocketbench.blocks.build import build_model
from pocketbench.workflow.suites import read_suite
from pocketbench.workflow.trained_weights import read_trained_accuracies, read_trained_suite


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody has trained anything."""
    monkeypatch.chdir(tmp_path)


def test_every_model_has_weights_and_a_training_of_every_seed() -> None:
    suite = read_suite("fashion")
    assert suite.train is not None
    trained = read_trained_suite("fashion")
    assert [spec.block for spec in trained.models] == [spec.block for spec in suite.models]
    assert {spec.recipe_sha256 for spec in trained.models} == {suite.train.recipe.sha256}
    known = {(item.spec, item.seed) for item in read_trained_accuracies(suite)}
    assert known == {(spec, seed) for spec in suite.models for seed in suite.train.seeds}


@pytest.mark.slow
@pytest.mark.parametrize(("block", "gate"), [(None, None), ("ca", "sigmoid")])
def test_the_weights_reach_what_their_record_says(block: str | None, gate: str | None) -> None:
    suite = read_trained_suite("fashion")
    (spec,) = (spec for spec in suite.models if (spec.block, spec.gate) == (block, gate))
    assert spec.preprocessing is not None
    examples = read_examples(open_dataset("fashion-mnist", "test"), spec.preprocessing)
    top1 = measure_top1(build_model(spec), examples, Normalisation(spec.preprocessing, "cpu"))
    (recorded,) = (
        item.top1_fraction
        for item in read_trained_accuracies(suite)
        if (item.spec.block, item.spec.gate, item.seed) == (block, gate, 0)
    )
    assert top1 == pytest.approx(recorded, abs=5e-4)  # another processor rounds otherwise: five pictures of 10,000
