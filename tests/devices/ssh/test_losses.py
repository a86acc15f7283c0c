"""Runs over ssh while connections are cut, go dead, and boards go away.

Most models are of the plug-in's engine, which computes nothing: what is tested is the way there and back.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from pathlib import Path

import pytest

from pocketbench.core.errors import DeviceFault
from pocketbench.core.records import RunResult
from pocketbench.profile.archive import write_agent_archive
from pocketbench.profile.cell import CellSession
from pocketbench.profile.machine import ConnectionLoss
from pocketbench.profile.ssh import client, machine
from tests.devices.board import Board, wait_until
from tests.devices.ssh.board_runs import once, run, show, write_fake
from tests.profile.conftest import make_cell
from tests.profile.operator_files import write_convolutions
from tests.profile.test_worker import wait_until_gone

pytestmark = pytest.mark.slow


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


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize("trouble", [KeyboardInterrupt, ZeroDivisionError])
def test_nothing_runs_on_after_an_interrupt(board: Board, tmp_path: Path, trouble: type[BaseException]) -> None:
    def stop() -> None:
        raise trouble

    with pytest.raises(trouble):
        run(board.describe(), make_cell(write_fake(tmp_path, "a.fake"), "no_operation"), on_text=once("round 2", stop))
    assert wait_until(lambda: not board.list_agents())
