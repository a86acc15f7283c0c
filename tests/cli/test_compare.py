"""`pocketbench compare` as a clumsy user runs it; what it times is in tests/workflow/test_gate_end_to_end.py."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pocketbench.cli.main import main
from tests.profile.onnx_files import write_conv
from tests.profile.tflite_files import write_split_by_cumsum
from tests.workflow.gate_files import write_chain


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_conv(tmp_path / "a.onnx")
    write_split_by_cumsum(tmp_path / "c.tflite", 1)
    (tmp_path / "damaged.onnx").write_bytes(b"\x12garbage" * 30)
    (tmp_path / "text.txt").write_text("")
    (tmp_path / "folder").mkdir()


def compare(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["pocketbench", "compare", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.mark.parametrize(
    ("arguments", "code", "what", "cure"),
    [
        ("a.onnx", 2, "Missing argument 'B'", "compare --help"),
        ("a.onnx absent.onnx", 3, "absent.onnx does not exist", "check the path"),
        ("a.onnx folder", 2, "folder is no model file", ".onnx"),
        ("text.txt a.onnx", 2, "text.txt is no model file", ".onnx"),
        ("a.onnx damaged.onnx", 3, "damaged.onnx is no ONNX model", "truncated"),
        ("a.onnx c.tflite", 2, "a.onnx is of format onnx, c.tflite of tflite", "pocketbench profile a.onnx c.tflite"),
        ("a.onnx a.onnx --engine litert", 2, "litert runs .tflite files", "--engine"),
        ("a.onnx a.onnx --engine onx", 2, "no engine 'onx'", "onnxruntime"),
        ("a.onnx a.onnx --threads none", 2, "'none' are no thread counts", "--threads 1"),
    ],
)
def test_what_is_wrong_is_two_lines(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: str,
    code: int,
    what: str,
    cure: str,
) -> None:
    assert compare(monkeypatch, *arguments.split()) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    first, second = captured.err.splitlines()
    assert what in first
    assert second.startswith("  try: ")
    assert cure in second


def test_a_file_and_itself_is_not_timed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(monkeypatch, "a.onnx", "a.onnx") == 0
    captured = capsys.readouterr()
    assert "byte-identical, not timed" in captured.out
    assert captured.err == ""
    assert not Path("out").exists()


@pytest.mark.slow
def test_other_inputs_are_not_compared(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    write_chain(Path("large.onnx"), 1, side=64)
    assert compare(monkeypatch, "a.onnx", "large.onnx") == 5
    assert "input 'x' is 1x16x32x32 in base and 1x16x64x64 in head" in capsys.readouterr().out
