"""Which trainings a suite needs, which are done, and what must not stand side by side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pocketbench.core.errors import FileFault
from pocketbench.core.records import ModelSpec
from pocketbench.workflow.train_models import find_training, list_requests, train_models
from pocketbench.workflow.train_table import TrainTable
from tests.accuracy.training_samples import RECIPE, TRAINING, write_weights

MODELS = tuple(
    ModelSpec(backbone="mobilenet_v2", width_ratio=0.1, block=block, class_count=3, input_shape=(1, 1, 16, 16))
    for block in (None, "eca")
)
TABLE = TrainTable(data="some/bars", recipe=RECIPE, seeds=(5, 1))


def make_training(request, **changes):
    return replace(TRAINING, **{"spec": request.spec, "recipe": request.recipe, "seed": request.seed, **changes})


def ignore(*_):
    pass


def test_all_models_of_a_seed_come_before_the_next_seed():
    requests = list_requests(MODELS, TABLE, Path("out"))
    assert [(request.spec.block, request.seed) for request in requests] == [
        *((None, 5), ("eca", 5)),
        *((None, 1), ("eca", 1)),
    ]
    name = f"bars-{RECIPE.sha256[:8]}-seed5.safetensors"
    assert requests[1].path == Path("out/mobilenet_v2_0.1_eca_3classes_1x1x16x16") / name
    assert [request.seed for request in list_requests(MODELS, TABLE, Path("out"), [7])] == [7, 7]


def test_another_recipe_has_other_files():
    other = replace(TABLE, recipe=replace(RECIPE, epoch_count=9))
    paths = {request.path for table in (TABLE, other) for request in list_requests(MODELS, table, Path("out"))}
    assert len(paths) == 8


def test_what_is_done_is_kept_as_it_is(tmp_path):
    requests = list_requests(MODELS, TABLE, tmp_path)
    for request in requests:
        write_weights(request.path, make_training(request))
    seen = []
    outcome = train_models(requests, tmp_path, "cpu", 2, lambda request, done: seen.append((request, done)))
    assert [path for path, _ in outcome.trainings] == [request.path for request in requests]
    assert (outcome.trained_count, outcome.failures) == (0, [])
    assert seen == [(request, 1.0) for request in requests]


@pytest.mark.parametrize("change", [{"seed": 6}, {"spec": MODELS[1]}, {"recipe": replace(RECIPE, epoch_count=4)}])
def test_a_file_with_other_weights_than_its_name_says_is_refused(tmp_path, change):
    request = list_requests(MODELS, TABLE, tmp_path)[0]
    assert find_training(request) is None
    write_weights(request.path, make_training(request))
    assert find_training(request) == make_training(request)
    write_weights(request.path, make_training(request, **change))
    with pytest.raises(FileFault, match="holds other weights than its name says"):
        find_training(request)


def test_trainings_on_different_pictures_do_not_stand_in_one_table(tmp_path):
    requests = list_requests(MODELS, TABLE, tmp_path)
    for index, request in enumerate(requests):
        write_weights(request.path, make_training(request, dataset_sha256=str(index // 3) * 64))
    with pytest.raises(FileFault, match="were trained on different pictures"):
        train_models(requests, tmp_path, "cpu", 2, ignore)
