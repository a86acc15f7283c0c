"""Runs over ssh to a board that stands in for a real one, while things go wrong.

Most models are of the plug-in's engine, which computes nothing: what is tested is the way there and back.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pocketbench.core.errors import DeviceFault, PocketbenchError, UsageError
from pocketbench.core.model_files import hash_model_file
from pocketbench.core.records import Failure, RunPlan, RunResult
from pocketbench.profile.archive import write_agent_archive
from pocketbench.profile.cell import Cell, CellSession
from pocketbench.profile.device_entry import DeviceEntry
from pocketbench.profile.machine import ConnectionLoss
from pocketbench.profile.progress import Progress
from pocketbench.profile.ssh import client, connection, machine
from pocketbench.profile.ssh.runner import SshRunner
from tests.cli.command import run_command
from tests.devices.board import MODEL, Board, list_descendants, wait_until
from tests.profile.conftest import DEVICE, PLUGIN, make_cell, plugin  # noqa: F401 (a fixture)
from tests.profile.onnx_files import write_relu
from tests.profile.operator_files import write_convolutions
from tests.profile.test_worker import wait_until_gone
from tests.profile.tflite_files import write_split_by_cumsum

pytestmark = pytest.mark.slow

ON_BOARD = dataclasses.replace(DEVICE, device_id="ssh-test", transport="ssh", name="board")


@pytest.fixture(scope="module")
def shared_board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    board = Board(tmp_path_factory.mktemp("board") / "board", packages=PLUGIN)
    board.start()
    yield board
    board.close()


@pytest.fixture
def board(shared_board: Board, monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    """A board that is on, cool and idle, and the client that knows it first on PATH."""
    if not shared_board.is_on:
        shared_board.start()
    shared_board.set_temperature(45.0)
    monkeypatch.setenv("PATH", shared_board.path)
    monkeypatch.setattr(machine, "FIRST_PAUSE_S", 0.1)
    monkeypatch.setattr(machine, "RECONNECT_WAIT_S", 20.0)
    yield shared_board
    assert wait_until(lambda: not shared_board.list_agents()), "something of ours still runs on the board"
    assert not list((shared_board.folder / "tmp").glob("pocketbench-[!b]*")), "a scratch folder is left"


@pytest.fixture
def own_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Board]]:
    """Boards for one test."""
    with contextlib.ExitStack() as stack:

        def make(**options: Any) -> Board:
            made = Board(tmp_path / "board", packages=PLUGIN, **options)
            stack.callback(made.close)
            made.start()
            monkeypatch.setenv("PATH", made.path)
            return made

        yield make


def write_fake(folder: Path, name: str, size: int = 7) -> Path:
    path = folder / name
    path.write_bytes(name.encode().ljust(size, b"."))
    return path


def run(
    entry: DeviceEntry, *cells: Cell, on_text: Callable[[str], object] = lambda _: None, **options: Any
) -> list[RunResult]:
    def tell(progress: Progress) -> None:
        on_text(progress.text)

    options = {"run_id": "run", "device": ON_BOARD, "on_result": lambda _: None, "on_progress": tell, **options}
    return SshRunner(entry).profile(cells, **options)


def once(text: str, act: Callable[[], object]) -> Callable[[str], None]:
    """Act when progress says `text` for the first time."""
    waiting = [act]

    def look(said: str) -> None:
        if text in said and waiting:
            waiting.pop()()

    return look


def show(results: list[RunResult]) -> list[tuple[str, int, str]]:
    """Each result's file, its session, and how many samples it has or the kind of its failure."""
    return [
        (
            result.artifact.file_name,
            result.session_index,
            result.failure.kind
            if result.failure
            else str(len(result.measurement.wall_ns))
            if result.measurement
            else "",
        )
        for result in results
    ]


def check_fault(entry: DeviceEntry) -> PocketbenchError:
    """The error of a board that can't be reached; `check` says the same and raises nothing."""
    with pytest.raises(PocketbenchError) as caught:
        SshRunner(entry).read_device()
    (check,) = SshRunner(entry).check()
    assert (check.found, check.cure, check.is_fault) == (caught.value.what, caught.value.cure, True)
    return caught.value


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
    from pocketbench.profile.operator_pass import make_host_reader, take_operator_times

    cell = make_cell(write_convolutions(tmp_path / "net.onnx", [3, 5]), "onnxruntime")
    here = take_operator_times({0: cell}, make_host_reader({}))[0]
    (result,) = run(board.describe(), cell, with_operators=True)
    assert [(item.operator, item.path, item.block) for item in result.operator_times or ()] == [
        (item.operator, item.path, item.block) for item in here
    ]


def test_a_loss_while_operators_are_timed_costs_no_latency(
    board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = [make_cell(write_convolutions(tmp_path / name, [3]), "onnxruntime") for name in ("a.onnx", "b.onnx")]
    results = run(board.describe(), *cells, with_operators=True, on_text=once("operator times, 2 of 3: b", board.cut))
    assert all(result.measurement and result.operator_times for result in results)
    monkeypatch.setattr(machine, "RECONNECT_WAIT_S", 0.5)
    results = run(board.describe(), *cells, with_operators=True, on_text=once("operator times, 1 of 3: a", board.stop))
    assert all(result.measurement and result.operator_times is None for result in results)
    for result in results:
        (caveat,) = [caveat for caveat in result.caveats if caveat.code == "no_operator_times"]
        assert "board was lost and does not come back" in caveat.text


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


def test_a_name_reaches_no_shell(board: Board, tmp_path: Path) -> None:
    path = write_relu(tmp_path / "a b'\"; cd; touch pwned; `cd; touch pwned` $(cd; touch pwned) \\.onnx")
    assert show(run(board.describe(), make_cell(path, "onnxruntime"))) == [(path.name, 0, "6")]
    assert not (board.home / "pwned").exists()


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
def test_a_cut_connection_costs_the_session_and_no_more(board: Board, tmp_path: Path) -> None:
    cells = [make_cell(write_fake(tmp_path, name), "no_operation", session_count=3) for name in ("a.fake", "b.fake")]
    cuts: list[int] = []
    loads: list[str] = []

    def watch(text: str) -> None:
        if "loads" in text:
            loads.append(text)
        cut(text)

    cut = once("session 2, round 2: b.fake", lambda: cuts.append(board.cut()))
    results = run(board.describe(), *cells, on_text=watch)
    assert cuts
    assert cuts[0] >= 1
    assert show(results) == [(name, index, "6") for index in range(3) for name in ("a.fake", "b.fake")]
    assert [text.partition(":")[0] for text in loads] == ["session 1"] * 2 + ["session 2"] * 4 + ["session 3"] * 2


@pytest.mark.usefixtures("plugin")
def test_a_host_that_is_gone_in_a_burst_leaves_no_worker(board: Board, tmp_path: Path) -> None:
    cell = make_cell(write_fake(tmp_path, "a.fake"), "hang")
    processes = board.home / ".cache/pocketbench/models/processes"
    held = machine.BoardMachine(board.describe(), write_agent_archive(tmp_path))
    running = CellSession(cell, held.start_worker(cell))

    def leave() -> None:
        assert wait_until(lambda: processes.exists() and len(processes.read_text().split()) == 2)
        os.kill(held._connection._process.process_id, signal.SIGKILL)

    leaver = threading.Thread(target=leave)
    leaver.start()
    with pytest.raises(ConnectionLoss):
        running.prepare()
    leaver.join()
    assert all(wait_until_gone(int(word)) for word in processes.read_text().split())
    processes.unlink()


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize("way", ["cut", "freeze"])
def test_a_connection_that_is_lost_in_a_burst_ends_the_worker_and_the_session_is_repeated(
    board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Of one that goes dead nothing tells the board: the old agent still holds it when the new one comes."""
    monkeypatch.setitem(client.OPTIONS, "ServerAliveInterval", "1")
    monkeypatch.setitem(client.OPTIONS, "ServerAliveCountMax", "2")
    cell = make_cell(write_fake(tmp_path, "a.fake"), "hang_when_told")
    models = board.home / ".cache/pocketbench/models"
    old: list[int] = []
    frozen: list[int] = []

    def lose_when_it_hangs() -> None:
        assert wait_until(lambda: (models / "hanging").exists() and (models / "hanging").read_text())
        old.extend(board.list_agents())
        assert int((models / "hanging").read_text()) in old
        (models / "hang").unlink()
        if way == "cut":
            board.cut()
        else:
            frozen.extend(board.freeze())

    breaker = threading.Thread(target=lose_when_it_hangs)

    def begin() -> None:
        (models / "hang").touch()
        breaker.start()

    try:
        (result,) = run(board.describe(), cell, on_text=once("round 2", begin))
        breaker.join()
        assert show([result]) == [("a.fake", 0, "6")]
        assert len(old) == 2
        assert all(wait_until_gone(process_id) for process_id in old)
    finally:
        (models / "hanging").unlink(missing_ok=True)
        for process_id in frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)


@pytest.mark.usefixtures("plugin")
def test_a_board_that_goes_and_comes_back_is_waited_for(board: Board, tmp_path: Path) -> None:
    back = threading.Timer(1.0, board.start)

    def go() -> None:
        board.stop()
        back.start()

    texts: list[str] = []
    look = once("round 2", go)
    (result,) = run(
        board.describe(),
        make_cell(write_fake(tmp_path, "a.fake"), "no_operation"),
        on_text=lambda text: (texts.append(text), look(text)),
    )
    assert show([result]) == [("a.fake", 0, "6")]
    assert any("the connection was lost" in text for text in texts)
    assert texts.count("connects to board again") >= 2


@pytest.mark.usefixtures("plugin")
def test_a_board_that_stays_away_ends_the_run_which_goes_on_later(
    board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "RECONNECT_WAIT_S", 0.5)
    cells = [make_cell(write_fake(tmp_path, name), "no_operation", session_count=2) for name in ("a.fake", "b.fake")]
    kept: list[RunResult] = []
    with pytest.raises(DeviceFault, match=r"board was lost and does not come back: .*nothing listens") as caught:
        run(board.describe(), *cells, on_result=kept.append, on_text=once("session 2, round 1", board.stop))
    assert "run the same command again: it goes on where it stopped" in caught.value.cure
    assert show(kept) == [("a.fake", 0, "6"), ("b.fake", 0, "6")]
    board.start()
    results = run(board.describe(), *cells, done={(0, 0), (1, 0)})
    assert show(results) == [("a.fake", 1, "6"), ("b.fake", 1, "6")]


@pytest.mark.usefixtures("plugin")
def test_a_model_that_takes_the_board_down_each_time_fails_alone(board: Board, tmp_path: Path) -> None:
    cells = [make_cell(write_fake(tmp_path, name), "no_operation") for name in ("a.fake", "b.fake", "c.fake")]
    results = run(board.describe(), *cells, on_text=lambda text: "b.fake loads" in text and board.cut())
    assert show(results) == [("b.fake", 0, "connection"), ("a.fake", 0, "6"), ("c.fake", 0, "6")]
    assert "lost 3 times in session 1" in results[0].failure.message


@pytest.mark.usefixtures("plugin")
def test_a_cut_in_the_middle_of_a_file_leaves_nothing_and_the_file_is_sent_again(board: Board, tmp_path: Path) -> None:
    cell = make_cell(write_fake(tmp_path, "large.fake", 200_000_000), "no_operation")
    models = board.home / ".cache/pocketbench/models"
    parts: list[int] = []

    def cut_in_the_middle() -> None:
        assert wait_until(lambda: any(path.stat().st_size > 1_000_000 for path in models.glob(".part-*/*")))
        parts.append(next(models.glob(".part-*/*")).stat().st_size)
        board.cut()

    breaker = threading.Thread(target=cut_in_the_middle)
    (result,) = run(board.describe(), cell, on_text=once("loads", breaker.start))
    breaker.join()
    assert parts[0] < 200_000_000
    assert show([result]) == [("large.fake", 0, "6")]
    assert not list(models.glob(".part-*"))
    assert (models / f"{cell.artifact.sha256}.fake").read_bytes() == cell.path.read_bytes()


def test_a_package_arrives_whole_and_core_ml_says_where_it_runs(board: Board, tmp_path: Path) -> None:
    package = tmp_path / "net.mlpackage"
    for name in ("Manifest.json", "Data/com.apple.CoreML/model.mlmodel", "Data/com.apple.CoreML/weights/weight.bin"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(name * 1000)
    cell = make_cell(package, "coreml", delegate="cpu_and_ne")
    cell = dataclasses.replace(cell, artifact=dataclasses.replace(cell.artifact, sha256=hash_model_file(package)))
    (result,) = run(board.describe(), cell)
    assert result.failure == Failure(kind="load", message="Core ML runs on macOS alone")
    kept = board.home / f".cache/pocketbench/models/{cell.artifact.sha256}.mlpackage"
    assert hash_model_file(kept) == cell.artifact.sha256
    (package / "Manifest.json").write_text("changed")
    (kept / "Manifest.json").unlink()
    with pytest.raises(DeviceFault, match="it may have been changed"):
        run(board.describe(), cell)
    assert not kept.exists()


@pytest.mark.usefixtures("plugin")
def test_a_model_that_was_spoilt_on_the_board_is_sent_again(board: Board, tmp_path: Path) -> None:
    cell = make_cell(write_fake(tmp_path, "spoilt.fake"), "no_operation")
    run(board.describe(), cell)
    kept = board.home / f".cache/pocketbench/models/{cell.artifact.sha256}.fake"
    kept.write_bytes(b"spoilt.")
    run(board.describe(), cell)
    assert kept.read_bytes() == cell.path.read_bytes()


@pytest.mark.usefixtures("plugin")
def test_a_file_that_was_changed_after_it_was_hashed_is_not_measured(board: Board, tmp_path: Path) -> None:
    cell = make_cell(write_fake(tmp_path, "fresh.fake"), "no_operation")
    cell.path.write_bytes(b"another content")
    with pytest.raises(DeviceFault, match=r"fresh.fake can't be sent: what arrived has sha256 .*may have been changed"):
        run(board.describe(), cell)
    cell.path.unlink()
    with pytest.raises(DeviceFault, match=r"can't send .*fresh.fake to board: No such file"):
        run(board.describe(), cell)


@pytest.mark.usefixtures("plugin")
def test_a_full_disk_is_said_before_anything_is_sent(own_board: Callable[..., Board], tmp_path: Path) -> None:
    board = own_board(home_size="20m")
    large = make_cell(write_fake(tmp_path, "large.fake", 10_000_000), "no_operation")
    small = make_cell(write_fake(tmp_path, "small.fake"), "no_operation")
    with pytest.raises(DeviceFault, match=r"large.fake can't be sent: .* bytes left, and the model needs 10,000,000"):
        run(board.describe(), large)
    assert show(run(board.describe(), small)) == [("small.fake", 0, "6")]
    tiny = own_board_full(board)
    assert "can't be kept there" in tiny.what


def own_board_full(board: Board) -> PocketbenchError:
    """The same board, started anew with no room for the agent itself."""
    board.stop()
    board._home_size = "4k"
    board.start()
    return check_fault(board.describe())


def test_who_is_not_let_in_is_told_why(board: Board, tmp_path: Path) -> None:
    import subprocess

    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
    config = (board.client / "config").read_text()
    known = (board.client / "known_hosts").read_text()
    try:
        fault = check_fault(board.describe(address="root@127.0.0.1", key=other, name="by address"))
        (board.client / "config").write_text(config.replace(str(board.client / "key"), str(other)))
        fault = check_fault(board.describe())
        assert "it refused the login: " in fault.what
        assert "Permission denied (publickey)" in fault.what
        assert "ssh-copy-id pi-stand-in" in fault.cure
        keyed = SshRunner(board.describe(key=board.client / "key")).read_device()
        assert keyed.model == MODEL
        (board.client / "config").write_text(config)
        (board.client / "known_hosts").write_text("")
        fault = check_fault(board.describe())
        assert "its host key is not known here" in fault.what
        assert "run `ssh pi-stand-in` once" in fault.cure
        board.know_host(other.with_suffix(".pub"))
        fault = check_fault(board.describe())
        assert "its host key is not the one that was known" in fault.what
        assert "ssh-keygen -R pi-stand-in" in fault.cure
    finally:
        (board.client / "config").write_text(config)
        (board.client / "known_hosts").write_text(known)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"address": "no-such-host.invalid"}, "nobody knows its name"),
        ({"python": "/nowhere/python3"}, "there is no /nowhere/python3 there"),
        ({"python": "~/no such/python3"}, "there is no ~/no such/python3 there"),
        ({"python": "/bin/false"}, "/bin/false on the board ended with exit status 1"),
        ({"address": "-oProxyCommand=touch pwned"}, "is no host"),
        ({"address": "a b"}, "is no host"),
    ],
)
def test_what_is_in_the_way_is_named(board: Board, change: dict[str, str], what: str) -> None:
    assert what in check_fault(board.describe(**change)).what


def test_a_board_that_is_off(board: Board) -> None:
    board.stop()
    fault = check_fault(board.describe())
    assert "nothing listens there" in fault.what


def test_a_machine_without_ssh(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(board.folder))
    fault = check_fault(board.describe())
    assert "no ssh on this machine" in fault.what


def test_a_python_that_is_too_old(board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = connection.BOOTSTRAP.read_text()
    (tmp_path / "bootstrap.py").write_text(text.replace("OLDEST = (3, 9)", "OLDEST = (9, 9)"))
    monkeypatch.setattr(connection, "BOOTSTRAP", tmp_path / "bootstrap.py")
    fault = check_fault(board.describe())
    assert "it has Python 3." in fault.what
    assert "install Python 3.9 or newer" in fault.cure


def test_a_python_without_engines(board: Board) -> None:
    runner = SshRunner(board.describe(python="/usr/bin/python3"))
    device = runner.read_device()
    with pytest.raises(UsageError, match=r"no onnxruntime: .*\(ssh pi-stand-in /usr/bin/python3 -m pip install onnxr"):
        runner.fit_plan(RunPlan(engine="onnxruntime"), ".onnx", device)
    checks = {check.subject: check for check in runner.check()}
    assert checks["engines"].is_fault
    assert "-m pip install ai-edge-litert" in str(checks["engines"].cure)


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
def test_a_login_shell_that_talks_disturbs_nothing(board: Board, tmp_path: Path) -> None:
    noise = board.home / ".bashrc"
    noise.write_text("echo Welcome\necho '{\"data\": {}}'\nprintf 'no end of line'\necho warning >&2\ntouch ~/noise\n")
    try:
        assert show(run(board.describe(), make_cell(write_fake(tmp_path, "a.fake"), "no_operation"))) == [
            ("a.fake", 0, "6")
        ]
        assert (board.home / "noise").exists()
        noise.write_text("yes")
        monkey = check_fault(board.describe())
        assert "prints more than" in monkey.what
    finally:
        noise.unlink()


def test_files_in_the_home_are_not_taken_for_pythons_own(board: Board) -> None:
    traps = [board.home / name for name in ("json.py", "hashlib.py", "numpy.py")]
    try:
        for trap in traps:
            trap.write_text("raise SystemExit('trapped')")
        assert SshRunner(board.describe()).read_device().model == MODEL
    finally:
        for trap in traps:
            trap.unlink()


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


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize("trouble", [KeyboardInterrupt, ZeroDivisionError])
def test_nothing_runs_on_after_an_interrupt(board: Board, tmp_path: Path, trouble: type[BaseException]) -> None:
    def stop() -> None:
        raise trouble

    with pytest.raises(trouble):
        run(board.describe(), make_cell(write_fake(tmp_path, "a.fake"), "no_operation"), on_text=once("round 2", stop))
    assert wait_until(lambda: not board.list_agents())
