"""The engine of a plug-in, installed here and not on the board, measures there."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pocketbench.core.errors import UsageError
from pocketbench.core.records import RunPlan
from pocketbench.profile.ssh.runner import SshRunner
from tests.devices.board import Board
from tests.profile.conftest import make_cell
from tests.profile.onnx_files import write_relu

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[1] / "plugin_example" / "bench_example"
ENTRY_POINTS = """
[pocketbench.engines]
onnx_reference = bench_example.engine:OnnxReference
breaks = bench_broken:Engine
"""


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    packages = tmp_path / "here"
    shutil.copytree(EXAMPLE, packages / "bench_example", ignore=shutil.ignore_patterns("__pycache__"))
    (packages / "bench_broken.py").write_text("raise RuntimeError('written for another release')\n")
    info = packages / "bench_example-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-example\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(packages))
    board = Board(tmp_path / "board")
    board.start()
    monkeypatch.setenv("PATH", board.path)
    yield board
    board.close()


def test_its_sources_go_with_the_agent(board: Board, tmp_path: Path) -> None:
    runner = SshRunner(board.describe())
    device = runner.read_device()
    cell = make_cell(write_relu(tmp_path / "relu.onnx"), "onnx_reference")
    assert runner.fit_plan(cell.plan, ".onnx", device) == cell.plan
    (result,) = runner.profile([cell], run_id="run", device=device, on_result=lambda _: None)
    assert result.failure is None
    assert result.measurement is not None
    assert len(result.measurement.wall_ns) == 6
    assert "onnx" in result.tools
    assert result.device.transport == "ssh"
    # another plug-in is broken, and costs itself alone
    assert runner.fit_plan(RunPlan(engine="onnxruntime"), ".onnx", device).engine == "onnxruntime"


def test_one_that_can_not_travel_is_named(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pocketbench.profile.ssh.runner.read_plugin_sources", dict)
    runner = SshRunner(board.describe())
    device = runner.read_device()
    with pytest.raises(UsageError, match=r"board has no onnx_reference: .*No module named 'bench_example'"):
        runner.fit_plan(RunPlan(engine="onnx_reference"), ".onnx", device)
