"""Class activations of a suite: which weights, which pictures, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pocketbench.blocks.build import build_model
from pocketbench.core.errors import UsageError
from pocketbench.workflow.grad_cam import write_grad_cams
from pocketbench.workflow.suites import read_suite
from pocketbench.workflow.train_models import list_requests
from tests.accuracy.training_samples import TRAINING, write_bars, write_weights
from tests.workflow.bars_suite import MODEL, format_suite

SUITE = format_suite(title="Bars <b>", seeds=[4, 5], epochs=1)


@pytest.fixture
def bars(tmp_path):
    write_bars(tmp_path / "bars", 6, 30)
    return str(tmp_path / "bars")


def write_suite(folder: Path, text: str = SUITE) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


def write_trainings(suite_name: str, folder: Path, count: int) -> list[Path]:
    """Weights as trainings of the first seed leave them, drawn from the seed."""
    suite = read_suite(suite_name)
    paths = []
    for request in list_requests(suite.models, suite.train, folder, [4])[:count]:
        model = build_model(replace(request.spec, weights="given", seed=4))
        weights = {name: value.numpy() for name, value in model.state_dict().items()}
        training = replace(TRAINING, spec=request.spec, recipe=request.recipe, seed=4)
        write_weights(request.path, training, **weights)
        paths.append(request.path)
    return paths


def test_all_networks_stand_side_by_side_and_the_bytes_are_the_same_again(tmp_path, bars):
    suite = write_suite(tmp_path)
    write_trainings(suite, tmp_path / "train", 2)
    contents = []
    for name in ("one", "two"):
        files = write_grad_cams(suite, bars, tmp_path / name, tmp_path / "train")
        assert files.paths == [tmp_path / name / "grad-cam.html", tmp_path / name / "grad-cam.png"]
        assert (files.missing, files.remarks) == ([], ())
        contents.append([path.read_bytes() for path in files.paths])
    assert contents[0] == contents[1]
    page = contents[0][0].decode()
    assert page.count("class activation map, taken for class ") == 2 * 8
    assert "Bars &lt;b&gt;" in page
    assert "seed 4: top-1 90.0 % of its 90 test pictures" in page
    assert "4 x 4 positions" in page


def test_what_is_not_trained_yet_is_named(tmp_path, bars):
    suite = write_suite(tmp_path)
    write_trainings(suite, tmp_path / "train", 1)
    files = write_grad_cams(suite, bars, tmp_path, tmp_path / "train")
    assert [spec.block for spec in files.missing] == ["eca"]
    assert files.remarks == (f"Not shown, for lack of trained weights: {files.missing[0].name}.",)
    assert files.missing[0].name in files.paths[0].read_text()


def test_random_weights_are_refused_with_the_cure(tmp_path, bars):
    with pytest.raises(UsageError, match="random weights see no class: suite mine has no trained weights") as error:
        write_grad_cams(write_suite(tmp_path), bars, tmp_path, tmp_path / "train")
    assert error.value.cure == "pocketbench train --suite mine"
    plain = write_suite(tmp_path, SUITE.partition("[train]")[0] + MODEL)
    with pytest.raises(UsageError) as error:
        write_grad_cams(plain, bars, tmp_path, tmp_path / "train")
    assert "pocketbench train --suite fashion" in error.value.cure
    assert "checkpoint" in error.value.cure
    assert not (tmp_path / "grad-cam.html").exists()


def test_a_checkpoint_brings_its_weights(tmp_path, bars):
    path = write_trainings(write_suite(tmp_path), tmp_path / "train", 1)[0]
    plain = SUITE.partition("[train]")[0] + MODEL + f'checkpoint = "{path.relative_to(tmp_path)}"\n'
    files = write_grad_cams(write_suite(tmp_path, plain), bars, tmp_path, tmp_path / "nothing")
    assert files.missing == []
    assert "seed 4: top-1 90.0 %" in files.paths[0].read_text()


def test_a_checkpoint_that_does_not_say_how_pictures_are_prepared_is_refused(tmp_path, bars):
    path = tmp_path / "foreign.pth"
    torch.save({"a": torch.zeros(1)}, path)
    plain = SUITE.partition("[train]")[0] + MODEL + f'checkpoint = "{path.name}"\n'
    with pytest.raises(UsageError, match="does not say what becomes of a picture of 16 x 16"):
        write_grad_cams(write_suite(tmp_path, plain), bars, tmp_path, tmp_path / "nothing")


def test_networks_that_see_pictures_differently_are_refused(tmp_path, bars):
    suite = write_suite(tmp_path, SUITE + MODEL.replace("16", "20"))
    write_trainings(suite, tmp_path / "train", 0)
    networks = read_suite(suite)
    for request in list_requests(networks.models, networks.train, tmp_path / "train", [4]):
        size = request.spec.input_shape[2:]
        preprocessing = replace(TRAINING.preprocessing, size=size)
        changes = {"spec": request.spec, "recipe": request.recipe, "seed": 4, "preprocessing": preprocessing}
        write_weights(request.path, replace(TRAINING, **changes), a=np.zeros(1, np.float32))
    with pytest.raises(UsageError, match="see pictures of different sizes or cuts"):
        write_grad_cams(suite, bars, tmp_path, tmp_path / "train")


def test_labels_that_do_not_fit_are_refused(tmp_path, bars):
    suite = write_suite(tmp_path, SUITE.replace("classes = 3", "classes = 2"))
    write_trainings(suite, tmp_path / "train", 2)
    with pytest.raises(UsageError, match="has the label 2, the network only 2 classes"):
        write_grad_cams(suite, bars, tmp_path, tmp_path / "train")
