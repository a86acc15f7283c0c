"""`pocketbench train` as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import safetensors.numpy

from tests.accuracy.training_samples import write_bars
from tests.cli.command import REPOSITORY, run_command
from tests.workflow.bars_suite import MODEL

SUITE = f"""\
format = 1
title = "Bars"
formats = ["onnx"]
engines = ["onnxruntime"]

[train]
data = "bars"
seeds = [0, 1]
epochs = 4
batch = 32
learning_rate = 0.01
mean = [0.3]
std = [0.3]
shift = 1

{MODEL}{MODEL}attention = "eca"
"""


@pytest.fixture
def folder(tmp_path):
    write_bars(tmp_path / "bars")
    (tmp_path / "mine.toml").write_text(SUITE)
    return tmp_path


def list_weights(folder):
    return {
        str(path.relative_to(folder)): {
            name: value.tobytes() for name, value in safetensors.numpy.load_file(path).items()
        }
        for path in sorted(folder.rglob("*.safetensors"))
    }


@pytest.mark.slow
def test_a_suite_is_trained_once(folder):
    done = run_command("train", "--suite", "mine.toml", "--jobs", "2", cwd=folder)
    assert (done.code, done.err) == (0, "4 trained, 0 were done before\n")
    head, plain, eca = done.out.splitlines()
    assert head.split() == ["top-1", "in", "%", "mean", "std", "seed", "0", "seed", "1"]
    name, mean, _, *each = plain.split()
    assert name == "mobilenet_v2_0.1_3classes_1x1x16x16"
    assert eca.startswith("mobilenet_v2_0.1_eca_3classes_1x1x16x16 ")
    assert float(mean) == pytest.approx(sum(map(float, each)) / 2, abs=0.01)
    files = [path.name for path in sorted((folder / "out" / "train").rglob("*")) if path.is_file()]
    assert len(files) == 4
    assert all(
        name.startswith("bars-") and name.endswith(("-seed0.safetensors", "-seed1.safetensors")) for name in files
    )

    before = {path: path.stat().st_mtime_ns for path in (folder / "out").rglob("*.safetensors")}
    again = run_command("train", "--suite", "mine.toml", "--json", cwd=folder)
    assert again.code == 0
    assert {path: path.stat().st_mtime_ns for path in (folder / "out").rglob("*.safetensors")} == before
    trainings = json.loads(again.out)
    assert [(training["spec"]["block"], training["seed"]) for training in trainings] == [
        *((None, 0), ("eca", 0)),
        *((None, 1), ("eca", 1)),
    ]
    assert [len(training["epochs"]) for training in trainings] == [4] * 4
    assert len({training["recipe_sha256"] for training in trainings}) == 1


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_what_a_killed_training_left_is_continued_to_the_same_bits(folder, ending):
    options = ["train", "--suite", "mine.toml", "--seeds", "0", "--jobs", "1"]
    assert run_command(*options, "--out", "whole", cwd=folder).code == 0
    killed = subprocess.Popen(
        [sys.executable, "-m", "pocketbench", *options, "--out", "killed"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while not list((folder / "killed").rglob("*.state")):
        assert killed.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(killed.pid, ending)
    _, errors = killed.communicate(timeout=60)
    if ending == signal.SIGINT:
        assert killed.returncode == 130
        assert "the same command again continues" in errors
    assert "Traceback" not in errors
    assert len(list((folder / "killed").rglob("*.safetensors"))) < 2
    done = run_command(*options, "--out", "killed", cwd=folder)
    assert done.code == 0, done.err
    assert list_weights(folder / "killed") == list_weights(folder / "whole")
    assert not [path for path in (folder / "killed").rglob("*") if path.is_file() and path.suffix != ".safetensors"]


def test_a_suite_without_a_table_and_seeds_that_are_none_are_refused(folder):
    done = run_command("train", "--suite", "paper", cwd=folder)
    assert (done.code, done.out) == (2, "")
    assert "suite paper has no [train] table" in done.err
    done = run_command("train", "--suite", "mine.toml", "--seeds", "0,x", cwd=folder)
    assert done.code == 2
    assert "--seeds '0,x' is no list of seeds" in done.err


@pytest.mark.slow
def test_a_data_set_that_is_not_there_and_one_that_does_not_fit(folder):
    (folder / "mine.toml").write_text(SUITE.replace('"bars"', '"clothes"'))
    done = run_command("train", "--suite", "mine.toml", "--device", "cpu", cwd=folder)
    assert done.code == 2
    assert "and 3 more: there is no data set 'clothes'" in done.err
    (folder / "mine.toml").write_text(SUITE.replace("classes = 3", "classes = 2"))
    done = run_command("train", "--suite", "mine.toml", "--device", "cpu", cwd=folder)
    assert done.code == 2
    assert "has the label 2, the network only 2 classes" in done.err
    assert not list((folder / "out" / "train").iterdir())
