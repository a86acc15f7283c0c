"""Trained weights on the way from a suite or a command to the exported file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pocketbench.blocks.build import build_model
from pocketbench.core.errors import SuiteError
from pocketbench.core.jsonio import parse_record
from pocketbench.core.records import Artifact
from pocketbench.workflow.model_specs import make_spec
from pocketbench.workflow.suites import read_suite
from tests.cli.command import run_command

SUITE = """\
format = 1
title = "Trained"
formats = ["onnx"]
engines = ["onnxruntime"]

[[model]]
backbone = "mobilenet_v2"
checkpoint = "weights/best.pth"
"""


def test_a_suite_names_its_checkpoints_from_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mine"
    (folder / "weights").mkdir(parents=True)
    (folder / "suite.toml").write_text(SUITE)
    (folder / "weights" / "best.pth").write_bytes(b"weights")
    monkeypatch.chdir(tmp_path)
    (spec,) = read_suite("mine/suite.toml").models
    assert (spec.checkpoint, spec.weights) == ("mine/weights/best.pth", "given")
    monkeypatch.chdir(folder)
    assert read_suite("suite.toml").models == (spec,)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("best.pth", "none.pth", "model[1].checkpoint is refused: checkpoint {folder}/weights/none.pth does not exist"),
        ('"weights/best.pth"', "3", "model[1].checkpoint is 3"),
        ("best.pth", "best.zip", "model[1].checkpoint is refused: checkpoint {folder}/weights/best.zip is of no kind"),
        ('best.pth"', 'best.pth"\nseed = 1', "model[1].seed is refused: seed 1 does not go with"),
    ],
)
def test_a_suite_with_a_wrong_checkpoint_names_file_and_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = tmp_path / "suite.toml"
    path.write_text(SUITE.replace(old, new))
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "best.pth").write_bytes(b"weights")
    with pytest.raises(SuiteError) as caught:
        read_suite(str(path))
    assert words.format(folder=tmp_path) in caught.value.what
    assert f"{path}, line " in caught.value.what


@pytest.mark.slow
def test_a_checkpoint_is_exported_by_the_command(tmp_path: Path) -> None:
    import onnxruntime

    trained = make_spec("mobilenet_v2", width=0.35, attention="ca", classes=10, input_size="32", seed=3)
    model = build_model(trained)
    torch.save({"epoch": 1, "state_dict": model.state_dict()}, tmp_path / "best.pth")
    options = ["--model", "mobilenet_v2", "--width", "0.35", "--attention", "ca", "--input-size", "32"]
    command = ["export", *options, "--format", "onnx", "--out", "o", "--json", "--checkpoint", "best.pth"]
    done = run_command(*command, "--classes", "10", cwd=tmp_path)
    assert done.code == 0, done.err
    (artifact,) = json.loads(done.out)
    path = next((tmp_path / "o").glob("*_best-*.onnx"))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).standard_normal((1, 3, 32, 32)).astype(np.float32)
    (found,) = session.run(None, {session.get_inputs()[0].name: x})
    with torch.no_grad():
        expected = model(torch.from_numpy(x)).numpy()
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()

    assert artifact["spec"]["checkpoint"] == "best.pth"
    again = run_command(*(word for word in command if word != "--json"), "--classes", "10", cwd=tmp_path)
    assert "up to date" in again.err
    refused = run_command(*command, cwd=tmp_path)
    assert refused.code == 3
    assert len(refused.err.splitlines()) == 2
    assert "add --classes 10" in refused.err

    record = json.loads(path.with_name(f"{path.name}.json").read_text())
    for name in ("checkpoint", "checkpoint_sha256"):
        del record["data"]["spec"][name]  # as an older version wrote it
    older = parse_record(json.dumps(record), Artifact, "older")
    assert older.spec is not None
    assert older.spec.checkpoint is None
