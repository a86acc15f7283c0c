"""`pocketbench gate` as a clumsy user runs it: what it refuses, and verdicts that need no clock."""

from __future__ import annotations

import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from pocketbench.cli.main import main
from pocketbench.core.gate_records import GateReport
from pocketbench.core.jsonio import parse_record, read_record
from tests.profile.onnx_files import write_conv
from tests.profile.tflite_files import write_split_by_cumsum
from tests.workflow.gate.repositories import commit_files, isolate_git, make_repository
from tests.workflow.gate_files import write_chain

SUITE = """format = 1
title = "limits"
formats = ["onnx", "tflite"]
engines = ["onnxruntime", "litert"]
[[model]]
backbone = "mobilenet_v2"
[gate]
"""


@dataclass
class Run:
    code: int
    out: str
    err: str


class Desk:
    """A folder with base's files, where the command is called."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._monkeypatch, self._capsys = folder, monkeypatch, capsys

    def run(self, *arguments: str) -> Run:
        self._monkeypatch.setattr(sys, "argv", ["pocketbench", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = self._capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Run(ended.value.code, captured.out, captured.err)

    def gate(self, *arguments: str) -> tuple[int, dict[str, tuple[str, str]]]:
        """Run on the folders base and head; the exit code, and verdict and reason by "FILE ENGINE"."""
        done = self.run("gate", "--base", "base", "--head", "head", "--json", *arguments)
        report = parse_record(done.out, GateReport, "stdout")
        assert report == read_record(self.folder / "out/gate/report/gate.json", GateReport)
        assert report.exit_code == done.code
        return done.code, {
            f"{cell.key.file_name} {cell.key.engine}": (cell.verdict, cell.reason) for cell in report.cells
        }

    def add_tflite(self) -> None:
        for side in ("base", "head"):
            write_split_by_cumsum(self.folder / side / "cut.tflite", 1)

    def write_suite(self, limits: str) -> str:
        (self.folder / "limits.toml").write_text(SUITE + limits)
        return "limits.toml"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    for side in ("base", "head"):
        (tmp_path / side).mkdir()
        write_conv(tmp_path / side / "net.onnx")
    return Desk(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("arguments", "code", "what", "cure"),
    [
        ("", 2, "gate needs a base", "--base-ref origin/main"),
        ("--base base", 2, "--head is not", "name both"),
        ("--head base", 2, "no base is", "--base-python"),
        ("--base-ref HEAD --base base", 2, "--base-ref does not go with --base", "working tree"),
        ("--base-ref HEAD --base base --head head", 2, "--base-ref does not go with --base", "working tree"),
        ("--base-ref HEAD --base-python x", 2, "--base-ref does not go with --base-python", "working tree"),
        ("--base base --head absent", 3, "there is no folder absent", "check the path"),
        ("--base base --head empty", 3, "empty holds no model file", "pocketbench export"),
        ("--base base/net.onnx --head head", 2, "base/net.onnx is a file", "pocketbench compare"),
        ("--base damaged --head head", 3, "damaged/net.onnx is no ONNX model", "truncated"),
        ("--base base --head head --engine litertt", 2, "no engine 'litertt'", "did you mean 'litert'"),
        ("--base base --head head --threads 0", 2, "'0' are no thread counts", "--threads 1"),
        ("--base base --head head --suite papr", 2, "no suite 'papr'", "did you mean 'paper'"),
        ("--base base --head head --inconclusive maybe", 2, "'maybe' is not one of", "gate --help"),
        ("--base base --head head --base-python absent", 3, "can't run absent", "bin/python"),
        ("--base base --head head --base-python /bin/true", 3, "/bin/true is no Python 3", "bin/python"),
        ("--base base --head head --base-python base", 3, "base is a folder", "bin/python"),
        ("--base base --head head --out base/net.onnx", 3, "can't write into base/net.onnx", "--out"),
        ("--base-ref HEAD --suite smoke", 2, "is in no git checkout", "--base FOLDER"),
    ],
)
def test_what_is_wrong_is_two_lines(desk: Desk, arguments: str, code: int, what: str, cure: str) -> None:
    (desk.folder / "empty").mkdir()
    (desk.folder / "damaged").mkdir()
    (desk.folder / "damaged/net.onnx").write_bytes(b"\x12garbage" * 30)
    done = desk.run("gate", *arguments.split())
    assert (done.code, done.out) == (code, ""), done.err
    first, second = done.err.splitlines()
    assert first.startswith("pocketbench: ")
    assert what in first
    assert second.startswith("  try: ")
    assert cure in second


def test_equal_folders_pass_without_a_clock(desk: Desk) -> None:
    code, cells = desk.gate()
    assert code == 0
    assert cells == {
        "net.onnx None": ("pass", "byte-identical"),
        "net.onnx onnxruntime": ("pass", "byte-identical, not timed"),
    }
    assert not list((desk.folder / "temporary").iterdir())


@pytest.mark.slow
def test_deleted_and_renamed_files_are_missing(desk: Desk) -> None:
    (desk.folder / "head/net.onnx").rename(desk.folder / "head/network.onnx")
    write_split_by_cumsum(desk.folder / "base/cut.tflite", 1)
    code, cells = desk.gate()
    assert code == 4
    assert cells["net.onnx None"] == ("missing", "head has no such file; renamed to network.onnx?")
    assert cells["cut.tflite None"] == ("missing", "head has no such file")
    assert cells["network.onnx onnxruntime"] == ("pass", "new: there is no base")


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b"\x12garbage" * 30])
def test_a_damaged_file_has_failed_and_the_others_are_decided(desk: Desk, content: bytes) -> None:
    desk.add_tflite()
    (desk.folder / "head/net.onnx").write_bytes(content)
    code, cells = desk.gate()
    assert code == 4
    assert cells["net.onnx None"][0] == "failed"
    assert "head/net.onnx is no ONNX model" in cells["net.onnx None"][1]
    assert cells["cut.tflite None"] == ("pass", "byte-identical")


@pytest.mark.slow
def test_files_that_take_other_inputs_are_not_compared(desk: Desk) -> None:
    write_chain(desk.folder / "head/net.onnx", 1, side=64)
    reason = "input 'x' is 1x16x32x32 in base and 1x16x64x64 in head"
    code, cells = desk.gate()
    assert code == 5
    assert cells["net.onnx None"] == ("inconclusive", reason)
    assert desk.gate("--inconclusive", "pass")[0] == 0


@pytest.mark.slow
def test_a_format_that_no_engine_runs_ran_nowhere(desk: Desk) -> None:
    desk.add_tflite()
    write_split_by_cumsum(desk.folder / "head/cut.tflite", 2)
    (desk.folder / "limits.toml").write_text(SUITE.replace('"onnxruntime", "litert"', '"onnxruntime"'))
    code, cells = desk.gate("--suite", "limits.toml")
    assert code == 4
    assert cells["cut None"] == ("missing", "it ran nowhere: of the engines (onnxruntime) none takes tflite")


@pytest.mark.slow
def test_limits_of_a_suite_hold_for_a_byte_identical_file(desk: Desk) -> None:
    desk.add_tflite()
    code, cells = desk.gate("--suite", desk.write_suite("absolute_ms.litert = 0.000001\npartition_count = 0"))
    assert code == 4
    assert cells["cut.tflite litert"][0] == "regressed"
    assert "absolute_ms.litert = 1e-06 allows less" in cells["cut.tflite litert"][1]
    assert cells["cut.tflite None"][0] == "regressed"
    assert "partition_count = 0 is the limit" in cells["cut.tflite None"][1]
    assert cells["net.onnx onnxruntime"] == ("pass", "byte-identical, not timed")


@pytest.mark.parametrize(
    ("limits", "what"),
    [("latency_ratoi = 1.1", "unknown key"), ('latency_ratio = "fast"', "'fast'"), ("latency_ratio = 0.5", "0.5")],
)
def test_a_mistake_in_the_limits_names_its_line(desk: Desk, limits: str, what: str) -> None:
    done = desk.run("gate", "--base", "base", "--head", "head", "--suite", desk.write_suite(limits))
    assert (done.code, done.out) == (2, "")
    assert "limits.toml, line 8" in done.err
    assert what in done.err
    assert len(done.err.splitlines()) == 2


@pytest.mark.slow
def test_the_verdict_is_told_before_the_files_can_not_be_written(desk: Desk) -> None:
    (desk.folder / "out/gate/report/junit.xml").mkdir(parents=True)
    done = desk.run("gate", "--base", "base", "--head", "head")
    assert done.code == 3
    assert done.out.startswith("pass: all 2 cells")
    assert "junit.xml" in done.err
    assert len(done.err.splitlines()) == 2


@pytest.mark.slow
def test_the_page_of_a_job_and_its_fault(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "page.md")
    assert desk.gate()[0] == 0
    assert (desk.folder / "page.md").read_text() == (desk.folder / "out/gate/report/summary.md").read_text()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "absent/page.md")
    done = desk.run("gate", "--base", "base", "--head", "head")
    assert done.code == 3
    assert done.out.startswith("pass: all 2 cells")
    assert "unset GITHUB_STEP_SUMMARY" in done.err


@pytest.mark.slow
def test_an_environment_without_the_runtime_says_what_to_install(desk: Desk) -> None:
    venv.create(desk.folder / "other", with_pip=False, symlinks=True)
    code, cells = desk.gate("--base-python", "other/bin/python")
    assert code == 5
    verdict, reason = cells["net.onnx onnxruntime"]
    assert verdict == "inconclusive"
    assert "base does not run: missing_package" in reason
    assert "No module named" in reason


class TestRefs:
    """What is wrong with a commit is said before anything is exported."""

    def test_a_ref_that_does_not_exist(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        isolate_git(monkeypatch)
        monkeypatch.chdir(make_repository(desk.folder, {"README.md": "x"}))
        done = desk.run("gate", "--base-ref", "nosuch", "--suite", "smoke")
        assert (done.code, done.out) == (2, "")
        assert "there is no commit 'nosuch'" in done.err
        assert len(done.err.splitlines()) == 2
        assert not Path("out/export").exists()

    def test_a_commit_that_a_shallow_clone_lacks(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        isolate_git(monkeypatch)
        repository = make_repository(desk.folder, {"README.md": "x"})
        commit_files(repository, {"README.md": "y"})
        subprocess.run(
            ["git", "clone", "--quiet", "--depth=1", repository.as_uri(), "shallow"], cwd=desk.folder, check=True
        )
        monkeypatch.chdir(desk.folder / "shallow")
        done = desk.run("gate", "--base-ref", "HEAD~1", "--suite", "smoke")
        assert (done.code, done.out) == (3, "")
        assert "git fetch --unshallow" in done.err
