"""The gate with real clocks, workers, commits and environments: effects that are larger than any noise here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import sysconfig
import time
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from pocketbench.core.gate_records import CellVerdict, GateReport
from pocketbench.core.jsonio import parse_record
from tests.cli.command import REPOSITORY, run_command
from tests.workflow.gate.repositories import commit_files, isolate_git, list_worktrees, make_repository
from tests.workflow.gate_files import write_chain

pytestmark = pytest.mark.slow

PATIENCE_S = 120

NETS = """
import torch


def make(count):
    torch.manual_seed(0)
    layers = [torch.nn.Conv2d(3, 16, 3, padding=1)]
    layers += [torch.nn.Conv2d(16, 16, 3, padding=1) for _ in range(count)]
    return torch.nn.Sequential(*layers, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())


def first():
    return make(1)


def second():
    return make(2)
"""
SUITE = 'format = 1\ntitle = "mine"\nformats = ["onnx"]\nengines = ["onnxruntime"]\n'


def list_models(*names: str) -> str:
    return SUITE + "".join(f'[[model]]\nbackbone = "nets:{name}"\ninput_size = 32\n' for name in names)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    isolate_git(monkeypatch)
    return folder


def list_left_over(temporary: Path) -> list[Path]:
    """All but what ONNX Runtime and torch keep in the temporary folder of their user."""
    return [path for path in temporary.iterdir() if path.name != ".ses" and not path.name.startswith("torchinductor_")]


def read_cells(text: str) -> dict[str, CellVerdict]:
    """By "FILE ENGINE"."""
    report = parse_record(text, GateReport, "stdout")
    return {f"{cell.key.file_name} {cell.key.engine}": cell for cell in report.cells}


class Running:
    """`pocketbench` in the background, and the workers that it starts."""

    def __init__(self, *arguments: str, cwd: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pocketbench", *arguments],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.seen: dict[int, float] = {}

    def children(self) -> dict[int, str]:
        """Number and command of each process that the command has started and that still runs."""
        listed = subprocess.run(
            ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(self.process.pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        found = {int(line.split()[0]): line for line in listed.stdout.splitlines()}
        for number in found:
            self.seen.setdefault(number, time.monotonic())
        return found

    def wait_for(self, happened: Callable[[dict[int, str]], bool]) -> dict[int, str]:
        deadline = time.monotonic() + PATIENCE_S
        while not happened(found := self.children()):
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return found

    def is_dueling(self, children: dict[int, str]) -> bool:
        """A worker that lives on: those that only look at a side end soon."""
        now = time.monotonic()
        return any("-agent-" in command and now - self.seen[number] > 1.5 for number, command in children.items())

    def finish(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, out, err

    def left_over(self) -> set[int]:
        return {number for number in self.seen if Path(f"/proc/{number}").exists()}


def test_a_slower_model_is_regressed_and_its_new_block_is_named(tmp_path: Path, temporary: Path) -> None:
    write_chain(tmp_path / "base/net.onnx", 2)
    write_chain(tmp_path / "head/net.onnx", 4)
    done = run_command("gate", "--base", "base", "--head", "head", "--json", cwd=tmp_path)
    assert done.code == 4, done.err
    cell = read_cells(done.out)["net.onnx onnxruntime"]
    assert cell.verdict == "regressed", cell.reason
    assert cell.duel is not None
    assert cell.duel.clock == "thread"
    assert cell.duel.ratio.value > 1.2
    assert cell.duel.confirmation is not None
    slower = {part.name for part in cell.parts if part.kind == "block" and part.base_ns is None}
    assert {"c2", "c3"} <= slower, cell.parts
    assert [(change.operator, change.base_count, change.head_count) for change in cell.operator_changes] == [
        ("Conv", 2, 4)
    ]
    assert not list_left_over(temporary)

    better = run_command("compare", "head/net.onnx", "base/net.onnx", "--threads", "2", cwd=tmp_path)
    assert better.code in (0, 5), better.err
    assert "wall clock" in better.out or "improved" in better.out


def test_a_worker_that_is_killed_costs_its_own_cell(tmp_path: Path, temporary: Path) -> None:
    write_chain(tmp_path / "base/a.onnx", 6, side=96)
    write_chain(tmp_path / "head/a.onnx", 7, side=96)
    write_chain(tmp_path / "base/b.onnx", 1)
    write_chain(tmp_path / "head/b.onnx", 2)
    running = Running("gate", "--base", "base", "--head", "head", "--json", cwd=tmp_path)
    for number in running.wait_for(running.is_dueling):
        os.kill(number, signal.SIGKILL)
    code, out, err = running.finish()
    assert "Traceback" not in err
    assert code == 4
    cells = read_cells(out)
    assert cells["a.onnx onnxruntime"].verdict == "failed"
    assert "SIGKILL" in cells["a.onnx onnxruntime"].reason
    assert cells["b.onnx onnxruntime"].verdict == "regressed"
    assert not running.left_over()
    assert not list_left_over(temporary)


def test_an_interrupt_while_models_are_timed_leaves_nothing(tmp_path: Path, temporary: Path) -> None:
    write_chain(tmp_path / "base/a.onnx", 6, side=96)
    write_chain(tmp_path / "head/a.onnx", 7, side=96)
    running = Running("gate", "--base", "base", "--head", "head", cwd=tmp_path)
    running.wait_for(running.is_dueling)
    running.process.send_signal(signal.SIGINT)
    code, out, err = running.finish()
    assert (code, out) == (130, "")
    assert len(err.strip().splitlines()) == 2
    assert not running.left_over()
    assert not list_left_over(temporary)


class TestCommits:
    def test_each_model_has_the_verdict_of_what_happened_to_it(self, tmp_path: Path, temporary: Path) -> None:
        repository = make_repository(
            tmp_path,
            {
                "nets.py": NETS,
                "suites/mine.toml": list_models("first", "second"),
                ".gitignore": "out\n__pycache__\n",
                "inner/README.md": "",
            },
        )
        slower = NETS.replace("make(1)", "make(4)") + "\n\ndef added():\n    return make(1)\n"
        slower += "\n\ndef broken():\n    raise ValueError('no weights')\n"
        head = {"nets.py": slower, "suites/mine.toml": list_models("first", "added", "broken")}
        for name, text in head.items():
            (repository / name).write_text(text)
        done = run_command("gate", "--base-ref", "HEAD", "--suite", "mine", "--json", cwd=repository)
        assert done.code == 4, done.err
        cells = read_cells(done.out)
        assert {name: cell.verdict for name, cell in cells.items()} == {
            "nets_first_32.onnx None": "pass",
            "nets_first_32.onnx onnxruntime": "regressed",
            "nets_added_32.onnx None": "pass",
            "nets_added_32.onnx onnxruntime": "pass",
            "nets_broken_32.onnx None": "failed",
            "nets_second_32.onnx None": "missing",
        }
        assert "no weights" in cells["nets_broken_32.onnx None"].reason
        assert list_worktrees(repository) == [str(repository)]

        commit_files(repository, {"suites/mine.toml": list_models("first", "added")})
        commit_files(repository, {"README.md": "only words"})
        done = run_command("gate", "--base-ref", "HEAD~1", "--suite", "mine", "--json", cwd=repository)
        assert done.code == 0, done.err
        assert all(cell.duel is None and "byte-identical" in cell.reason for cell in read_cells(done.out).values())
        assert not list_left_over(temporary)

        inside = repository / "inner"
        done = run_command(
            "gate",
            "--base-ref",
            "HEAD~1",
            "--suite",
            "../suites/mine.toml",
            cwd=inside,
            PYTHONPATH=f"{repository}:{REPOSITORY}",
        )
        assert done.code == 0, done.err
        assert "byte-identical" in done.out
        assert "new" not in done.out

    def test_an_interrupt_while_base_is_exported_leaves_no_worktree(self, tmp_path: Path, temporary: Path) -> None:
        slow = NETS + "\n\nimport time\n\n\ndef slow():\n    time.sleep(30)\n    return make(1)\n"
        repository = make_repository(tmp_path, {"nets.py": slow, "suites/mine.toml": list_models("slow")})
        (repository / "suites/mine.toml").write_text(list_models("first"))
        running = Running("gate", "--base-ref", "HEAD", "--suite", "mine", cwd=repository)
        running.wait_for(lambda children: any(" export --suite=" in command for command in children.values()))
        time.sleep(1)
        running.process.send_signal(signal.SIGINT)
        code, out, err = running.finish()
        assert (code, out) == (130, "")
        assert "Traceback" not in err
        assert "interrupted" in err.splitlines()[-2]
        assert not running.left_over()
        assert list_worktrees(repository) == [str(repository)]
        assert not list_left_over(temporary)


def test_another_environment_runs_base_beside_this_one(tmp_path: Path, temporary: Path) -> None:
    """The other one sees the packages of this one: the releases are the same, the processes are not."""
    write_chain(tmp_path / "models/net.onnx", 4)
    venv.create(tmp_path / "other", with_pip=False, symlinks=True)
    packages = next((tmp_path / "other").glob("lib/python*/site-packages"))
    (packages / "these.pth").write_text(sysconfig.get_path("purelib"))
    done = run_command("gate", "--head", "models", "--base-python", "other/bin/python", "--json", cwd=tmp_path)
    assert done.code in (0, 5), done.out + done.err
    cell = read_cells(done.out)["net.onnx onnxruntime"]
    assert cell.duel is not None, cell.reason
    assert cell.base_tools == cell.head_tools != {}
    assert not list_left_over(temporary)
