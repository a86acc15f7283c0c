"""The command itself: help, unknown words, exit codes, two lines on stderr and no traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import run_command

VERBS = (
    "export",
    "explain",
    "train",
    "profile",
    "accuracy",
    "report",
    "pick",
    "history",
    "gate",
    "compare",
    "results",
    "list",
    "doctor",
    "completion",
)


def test_help_names_every_verb_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from pocketbench.cli.main import group\n"
        "group.main(['--help'], standalone_mode=False)\n"
        "heavy = {'torch', 'numpy', 'pandas', 'onnx', 'onnxruntime', 'sqlalchemy', 'rich', 'coremltools'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    for verb in VERBS:
        assert f"\n  {verb} " in done.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str, tmp_path: Path) -> None:
    done = run_command(verb, "--help", cwd=tmp_path)
    assert done.code == 0
    assert done.out.startswith(f"Usage: pocketbench {verb}")
    assert done.err == ""


def test_version(tmp_path: Path) -> None:
    done = run_command("--version", cwd=tmp_path)
    assert (done.code, done.out) == (0, "pocketbench, version 0.1.0\n")


@pytest.mark.parametrize(
    ("arguments", "code", "what", "cure"),
    [
        (["exprot"], 2, "there is no command 'exprot'", "did you mean 'export'?"),
        (["export"], 2, "export needs --suite NAME or --model NAME", "pocketbench export --suite paper"),
        (["export", "--suite", "paper", "--model", "x"], 2, "one of them", "--suite paper"),
        (["export", "--suite", "papr"], 2, "there is no suite 'papr'", "did you mean 'paper'?"),
        (["export", "--suite", "paper", "--width", "0.5"], 2, "--width does not go with --suite", "the suite's file"),
        (["export", "--model", "mobilenetv2"], 2, "there is no backbone", "did you mean 'mobilenet_v2'?"),
        (["export", "--model", "mobilenet_v2", "--format", "onxn"], 2, "no format 'onxn'", "did you mean 'onnx'?"),
        (["export", "--model", "mobilenet_v2", "--attention", "sse"], 2, "no attention block", "did you mean"),
        (["export", "--wdith", "1"], 2, "No such option", "pocketbench export --help"),
        (["export", "--model", "mobilenet_v2", "--width", "wide"], 2, "'wide' is not a valid float", "--help"),
        (["profile"], 2, "profile needs model files or --suite", "pocketbench profile model.tflite"),
        (["profile", "absent.onnx"], 3, "absent.onnx does not exist", "check the path"),
        (["profile", "/etc/hostname"], 2, "is no model file", ".onnx, .tflite, .mlpackage"),
        (["profile", "x.onnx", "--shape", "image"], 3, "does not exist", "check the path"),
        (["profile", "--suite", "paper", "--threads", "2"], 2, "--threads does not go with --suite", "suite's file"),
        (["report", "--suite", "nothing"], 2, "there is no suite 'nothing'", "paper"),
    ],
)
def test_errors_are_two_lines(arguments: list[str], code: int, what: str, cure: str, tmp_path: Path) -> None:
    done = run_command(*arguments, cwd=tmp_path)
    assert done.code == code
    assert done.out == ""
    first, second = done.err.splitlines()
    assert first.startswith("pocketbench: ")
    assert what in first
    assert second.startswith("  try: ")
    assert cure in second


def test_a_report_into_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run_command("report", "--out", "file/report", cwd=tmp_path)
    assert done.code == 3
    assert "can't write into file/report" in done.err
    assert len(done.err.splitlines()) == 2


def test_a_reader_that_goes_away_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m pocketbench list | head -1", shell=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout
    assert done.stderr == ""
