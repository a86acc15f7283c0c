"""A suite's [train] table: what it says, and what it refuses."""

from __future__ import annotations

import pytest

from pocketbench.accuracy.recipe import Framing, Recipe
from pocketbench.core.errors import SuiteError
from pocketbench.workflow.suites import read_suite

SUITE = """\
format = 1
title = "A title"
formats = ["onnx"]
engines = ["onnxruntime"]

[train]
{train}
[[model]]
backbone = "mobilenet_v2"
input_size = 32
{model}
"""
LEAST = 'data = "fashion-mnist"\nseeds = [0]\nepochs = 2\nmean = [0.5, 0.5, 0.5]\nstd = [1, 1, 1]\n'


def read(folder, train, model=""):
    path = folder / "mine.toml"
    path.write_text(SUITE.format(train=train, model=model))
    return read_suite(str(path)).train


def test_the_least_table(tmp_path):
    table = read(tmp_path, LEAST)
    framing = Framing(mean=(0.5, 0.5, 0.5), std=(1.0, 1.0, 1.0))
    assert (table.data, table.seeds, table.recipe) == ("fashion-mnist", (0,), Recipe(framing=framing, epoch_count=2))


def test_the_whole_table(tmp_path):
    more = (
        "batch = 64\nlearning_rate = 0.2\nmomentum = 0.8\nweight_decay = 0\nlabel_smoothing = 0.1\n"
        "shift = 4\nflip = true\n"
        'crop = "center"\nresize = 36\ninterpolation = "bicubic"\n'
    )
    recipe = read(tmp_path, LEAST + more).recipe
    assert recipe == Recipe(
        framing=Framing(mean=(0.5,) * 3, std=(1.0,) * 3, crop="center", resize=36, interpolation="bicubic"),
        epoch_count=2,
        batch_size=64,
        learning_rate=0.2,
        momentum=0.8,
        weight_decay=0.0,
        label_smoothing=0.1,
        shift=4,
        flip=True,
    )
    assert recipe.sha256 != read(tmp_path, LEAST + more.replace("0.8", "0.7")).recipe.sha256


def test_a_suite_without_it_has_none(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(SUITE.format(train=LEAST, model="").replace(f"[train]\n{LEAST}", ""))
    assert read_suite(str(path)).train is None


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("epochs = 2", "", "key epochs is missing"),
        ("epochs = 2", "epochs = 0", "line 9: train.epochs is 0"),
        ("epochs = 2", "epochs = 2\nepoch = 3", "train.epoch is an unknown key"),
        ("seeds = [0]", "seeds = [0, 0]", "train.seeds holds 0 twice"),
        ("seeds = [0]", "seeds = []", r"train.seeds is \[\]"),
        ("std = [1, 1, 1]", "std = [1, 1]", r"train.std does not go with mobilenet_v2_.*std is \[1.0, 1.0\]"),
        ("std = [1, 1, 1]", "std = [0, 1, 1]", "train.std does not go with"),
        ("std = [1, 1, 1]", "std = [nan, 1, 1]", "train.std is nan"),
        ("epochs = 2", "epochs = 2\nmomentum = 1", "train.momentum is 1"),
        ("epochs = 2", "epochs = 2\nlearning_rate = 0", "train.learning_rate is 0"),
        ("epochs = 2", "epochs = 2\nflip = 1", "train.flip is 1"),
        ("epochs = 2", 'epochs = 2\ncrop = "border"', "train.crop does not go with"),
        ("epochs = 2", "epochs = 2\nresize = 40", "interpolation is None"),
        ("epochs = 2", 'epochs = 2\ninterpolation = "bicubic"', "train.interpolation does not go with"),
    ],
)
def test_what_breaks_the_rules_is_named_with_its_line(tmp_path, old, new, what):
    with pytest.raises(SuiteError, match=what):
        read(tmp_path, LEAST.replace(old, new))


def test_a_function_is_not_trained(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(SUITE.format(train=LEAST, model="").replace("mobilenet_v2", "my.nets:build"))
    with pytest.raises(SuiteError, match=r"train can't train my\.nets_build"):
        read_suite(str(path))


def test_fashion_is_eleven_variants_from_three_seeds():
    suite = read_suite("fashion")
    assert len(suite.models) == 11
    assert suite.train.seeds == (0, 1, 2)
    assert [(model.block, model.gate) for model in suite.models[:7]] == [
        (None, None),
        *((block, "hard_sigmoid") for block in ("se", "eca", "cbam", "ca", "ca_x", "ca_y")),
    ]
    assert [(model.block, model.gate) for model in suite.models[7:]] == [
        (block, "sigmoid") for block in ("se", "eca", "cbam", "ca")
    ]
