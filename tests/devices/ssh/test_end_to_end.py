"""Real models, and engines that misbehave, over ssh."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from pocketbench.core.errors import DeviceFault, UsageError
from pocketbench.core.records import RunPlan, RunResult
from pocketbench.profile.ssh import machine
from pocketbench.profile.ssh.runner import SshRunner
from tests.cli.command import run_command
from tests.devices.board import MODEL, Board, list_descendants
from tests.devices.ssh.board_runs import once, run, show, write_fake
from tests.profile.conftest import make_cell
from tests.profile.onnx_files import write_relu
from tests.profile.operator_files import write_convolutions
from tests.profile.test_worker import wait_until_gone
from tests.profile.tflite_files import write_split_by_cumsum

pytestmark = pytest.mark.slow


def test_real_models_run_and_the_board_keeps_them(board: Board, tmp_path: Path) -> None:
    runner = SshRunner(board.describe())
    device = runner.read_device()
    assert (device.name, device.transport, device.model, device.abi) == ("board", "ssh", MODEL, os.uname().machine)
    assert [(cluster.cores, cluster.max_khz) for cluster in device.clusters] == [((0,), 1_500_000), ((1,), 2_400_000)]
    paths = [write_convolutions(tmp_path / "net.onnx", [3, 5]), write_split_by_cumsum(tmp_path / "cut.tflite", 2)]
    cells = [
        make_cell(path, engine, session_count=2) for path, engine in zip(paths, ("onnxruntime", "litert"), strict=True)
    ]
    handed: list[RunResult] = []
    options: dict[str, Any] = {"device": device, "run_id": "run", "with_operators": True}
    results = runner.profile(cells, on_result=handed.append, **options)
    assert results == handed
    assert show(results) == [("net.onnx", 0, "6"), ("cut.tflite", 0, "6"), ("net.onnx", 1, "6"), ("cut.tflite", 1, "6")]
    first, _, onnx, tflite = results
    assert first.conditions_before.cores[1].max_khz == 2_400_000
    assert first.conditions_before.temperature_celsius == 45.0
    assert set(first.tools) == {"python", "numpy", "onnxruntime"}
    assert first.operator_times is None
    assert [item.operator for item in onnx.operator_times or ()].count("Conv") == 2
    assert tflite.operator_times is not None
    assert tflite.coverage is not None
    assert (tflite.coverage.delegated_node_count, tflite.coverage.node_count) == (3, 5)
    models = {path: path.stat().st_ino for path in board.list_models()}
    assert {path.name for path in models} >= {f"{cell.artifact.sha256}{cell.path.suffix}" for cell in cells}
    runner.profile(cells, on_result=handed.append, **options)
    assert {path: path.stat().st_ino for path in board.list_models()} == models


def test_places_of_operators_are_found_from_the_graph_that_the_board_optimised(board: Board, tmp_path: Path) -> None:
    from pocketbench.profile.operators.passes import make_host_reader, take_operator_times

    cell = make_cell(write_convolutions(tmp_path / "net.onnx", [3, 5]), "onnxruntime")
    here = take_operator_times({0: cell}, make_host_reader({}))[0]
    (result,) = run(board.describe(), cell, with_operators=True)
    assert [(item.operator, item.path, item.block) for item in result.operator_times or ()] == [
        (item.operator, item.path, item.block) for item in here
    ]


def test_the_command_measures_on_a_board_and_says_when_it_is_off(board: Board, tmp_path: Path) -> None:
    write_convolutions(tmp_path / "net.onnx", [3])
    (tmp_path / "devices.toml").write_text(
        'format = 1\n[[device]]\nname = "rpi5"\ntransport = "ssh"\nhost = "pi-stand-in"\ncores = "prime"\n'
    )
    listed = run_command("devices", "--json", cwd=tmp_path)
    assert MODEL in listed.out
    assert run_command("devices", "check", "rpi5", cwd=tmp_path).code == 0
    command = ("profile", "net.onnx", "--on", "rpi5,host", "--sessions", "1", "--rounds", "6", "--json")
    done = run_command(*command, cwd=tmp_path)
    assert done.code == 0, done.err
    rows = json.loads(done.out)
    assert MODEL in done.out
    assert rows
    assert "rpi5" in done.out
    board.stop()
    away = run_command(*command, cwd=tmp_path)
    assert away.code == 3
    assert "rpi5: nothing listens there" in away.err


def test_a_core_is_chosen_by_the_boards_own_frequencies(board: Board, tmp_path: Path) -> None:
    runner = SshRunner(board.describe(cores="prime"))
    device = runner.read_device()
    plan = RunPlan(engine="onnxruntime")
    assert runner.fit_plan(plan, ".onnx", device).core_mask == 0b10
    with pytest.raises(UsageError, match="2 threads are wanted on 1 core"):
        runner.fit_plan(dataclasses.replace(plan, thread_count=2), ".onnx", device)
    with pytest.raises(UsageError, match="board has 2 cores"):
        runner.fit_plan(dataclasses.replace(plan, thread_count=3), ".onnx", device)
    with pytest.raises(UsageError, match=r"onnxruntime runs .onnx, .ort files, not .tflite"):
        runner.fit_plan(plan, ".tflite", device)
    with pytest.raises(UsageError, match=r"no tflite_runtime: .*; .tflite files run there on litert \(ssh pi-stand-in"):
        runner.fit_plan(dataclasses.replace(plan, engine="tflite_runtime"), ".tflite", device)
    with pytest.raises(UsageError, match="no coreml: Core ML runs on macOS alone"):
        runner.fit_plan(dataclasses.replace(plan, engine="coreml"), ".mlpackage", device)
    cell = make_cell(write_relu(tmp_path / "relu.onnx"), "onnxruntime", core_mask=0b10)
    assert show(run(board.describe(), cell)) == [("relu.onnx", 0, "6")]


@pytest.mark.usefixtures("plugin")
def test_engines_that_crash_or_hang_cost_one_cell_each(board: Board, tmp_path: Path) -> None:
    engines = ["no_operation", "abort", "exit", "raises", "missing_package", "chatty", "hang"]
    cells = [make_cell(write_fake(tmp_path, f"{engine}.fake"), engine, timeout_s=3.0) for engine in engines]
    results = {result.plan.engine: result for result in run(board.describe(), *cells)}
    kinds = {engine: result.failure and result.failure.kind for engine, result in results.items()}
    assert kinds == {
        "no_operation": None,
        "abort": "crash",
        "exit": "crash",
        "raises": "run",
        "missing_package": "missing_package",
        "chatty": None,
        "hang": "timeout",
    }
    assert "died of SIGABRT; it last said: heap is corrupt" in results["abort"].failure.message
    processes = board.home / ".cache/pocketbench/models/processes"
    assert all(wait_until_gone(int(word)) for word in processes.read_text().split())
    processes.unlink()


@pytest.mark.usefixtures("plugin")
def test_a_worker_that_is_killed_on_the_board_is_a_crash(board: Board, tmp_path: Path) -> None:
    def kill() -> None:
        supervisor, *_ = board.list_agents()
        for process_id in list_descendants(supervisor):
            os.kill(process_id, signal.SIGKILL)

    (result,) = run(
        board.describe(), make_cell(write_fake(tmp_path, "a.fake"), "no_operation"), on_text=once("round 1", kill)
    )
    assert result.failure is not None
    assert "died of SIGKILL (often: out of memory)" in result.failure.message


@pytest.mark.usefixtures("plugin")
def test_one_run_at_a_time(board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cell = make_cell(write_fake(tmp_path, "a.fake"), "no_operation")
    said: list[str] = []

    def try_another() -> None:
        with pytest.raises(DeviceFault) as caught:
            run(board.describe(), cell)
        said.append(caught.value.what)
        assert SshRunner(board.describe()).read_device().model == MODEL
        (check,) = SshRunner(board.describe()).check()
        assert check.is_fault
        assert " measures on it" in check.found
        # as from another machine: no lock of this one
        monkeypatch.setattr("pocketbench.profile.ssh.runner.hold_device", lambda *_: contextlib.nullcontext())
        with pytest.raises(DeviceFault) as caught:
            run(board.describe(), cell)
        said.append(caught.value.what)

    assert show(run(board.describe(), cell, on_text=once("round 1", try_another))) == [("a.fake", 0, "6")]
    assert said[0] == f"board is in use: process {os.getpid()} measures on it"
    assert said[1].startswith("board is in use: ")
    assert f" on {os.uname().nodename} measures on it" in said[1]


@pytest.mark.usefixtures("plugin")
def test_a_hot_board_is_waited_for_up_to_a_limit(board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "COOL_POLL_S", 0.05)
    cell = make_cell(write_fake(tmp_path, "a.fake"), "no_operation")
    board.set_temperature(80.0)
    with pytest.raises(DeviceFault, match=r"board is at 80.0 °C after 0.2 s, not 60"):
        run(board.describe(max_celsius=60.0, cool_wait_s=0.2), cell)
    cools = once("80.0 °C, 60 °C are wanted", lambda: board.set_temperature(59.0))
    (result,) = run(board.describe(max_celsius=60.0, cool_wait_s=20.0), cell, on_text=cools)
    assert result.conditions_before.temperature_celsius == 59.0
    sensor = board.folder / "sys/class/thermal/thermal_zone0/type"
    sensor.write_text("battery\n")
    try:
        with pytest.raises(DeviceFault, match="does not tell its temperature"):
            run(board.describe(max_celsius=60.0), cell)
    finally:
        sensor.write_text("cpu-thermal\n")
