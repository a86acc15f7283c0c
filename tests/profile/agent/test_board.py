"""The board's end of a connection, spoken to without a connection."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pocketbench.profile.agent.board import GREETING, LOCK_NAME
from pocketbench.profile.archive import write_agent_archive
from tests.profile.agent.test_agent import LOAD
from tests.profile.onnx_files import write_relu
from tests.profile.test_worker import wait_until_gone


class Board:
    """The agent as a board starts it: a process that is asked line by line."""

    def __init__(self, folder: Path) -> None:
        self.archive = write_agent_archive(folder)
        self.process = subprocess.Popen(
            [sys.executable, str(self.archive), "board"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(folder)},
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"\n"
        assert self.process.stdout.readline() == f"{GREETING}\n".encode()

    def ask(self, do: str, content: bytes = b"", **values: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": do, **values}).encode() + b"\n" + content)
        self.process.stdin.flush()
        reply: dict[str, Any] = json.loads(self.process.stdout.readline())
        return reply

    def leave(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(20)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    made = Board(tmp_path)
    yield made
    made.process.kill()
    made.process.wait()


def test_it_measures_with_a_worker_of_its_own_and_ends_with_its_host(board: Board, tmp_path: Path) -> None:
    model = write_relu(tmp_path / "relu.onnx")
    content = model.read_bytes()
    request = {"sha256": hashlib.sha256(content).hexdigest(), "suffix": ".onnx", "parts": [["", len(content)]]}
    assert board.ask("offer", **request) == {"data": {"path": None}}
    path = board.ask("receive", content, **request)["data"]["path"]
    assert board.ask("offer", **request) == {"data": {"path": path}}
    worker = board.ask("start")["data"]["worker"]
    load = {**LOAD, "path": path}
    assert "load_ns" in board.ask("ask", worker=worker, message=load, timeout_s=60)["data"]
    burst = board.ask("ask", worker=worker, message={"do": "burst", "count": 3}, timeout_s=60)["data"]
    assert len(burst["wall_ns"]) == 3
    scratch = Path(board.ask("scratch")["data"]["path"])
    (scratch / "graph").write_bytes(b"line\nline\n")
    assert board.ask("fetch", name="graph") == {"data": {"size_bytes": 10}}
    assert board.process.stdout is not None
    assert board.process.stdout.read(10) == b"line\nline\n"
    assert board.leave() == 0
    assert not scratch.exists()


@pytest.mark.parametrize("name", ["../relu.onnx", "/etc/passwd", "absent", ".", "..", ""])
def test_nothing_but_its_own_files_is_fetched(board: Board, name: str) -> None:
    assert board.ask("fetch", name="absent")["error"]["kind"] == "device"
    board.ask("scratch")
    assert board.ask("fetch", name=name)["error"]["kind"] == "device"
    assert "system" in board.ask("facts")["data"]


def test_a_worker_that_hangs_or_crashes_is_an_answer(board: Board) -> None:
    worker = board.ask("start")["data"]["worker"]
    bad = board.ask("ask", worker=worker, message={**LOAD, "path": "nowhere.onnx"}, timeout_s=60)
    assert bad["error"] == {"kind": "load", "message": "nowhere.onnx: there is no such file"}
    slow = board.ask("ask", worker=worker, message={"do": "versions", "engine": LOAD["engine"]}, timeout_s=0.0)
    assert slow["error"]["kind"] == "timeout"
    assert board.ask("end", worker=worker, gently=True) == {"data": {}}
    gone = board.ask("ask", worker=worker, message={"do": "finish"}, timeout_s=1)
    assert gone["error"] == {"kind": "crash", "message": "the worker is gone"}


def test_one_run_holds_it_and_the_same_run_takes_it_over(board: Board, tmp_path: Path) -> None:
    assert board.ask("hold", token="mine", who="anna on laptop") == {"data": {}}
    second = Board(tmp_path)
    refused = second.ask("hold", token="another", who="bert on laptop")
    assert refused["error"] == {"kind": "in_use", "message": "anna on laptop measures on it"}
    assert second.ask("hold", token="mine", who="anna on laptop") == {"data": {}}
    assert wait_until_gone(board.process.pid)
    assert json.loads((tmp_path / LOCK_NAME).read_text())["process"] == second.process.pid
    assert second.leave() == 0


def test_a_lock_that_can_not_be_written_is_said(board: Board, tmp_path: Path) -> None:
    (tmp_path / LOCK_NAME).symlink_to("/nowhere")
    reply = board.ask("hold", token="mine", who="anna")
    assert reply["error"]["kind"] == "device"
    assert LOCK_NAME in reply["error"]["message"]


def test_what_stands_in_a_models_place_is_no_model_and_leads_nowhere(board: Board, tmp_path: Path) -> None:
    kept = tmp_path / f"models/{'0' * 64}.onnx"
    kept.parent.mkdir()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/file").touch()
    kept.symlink_to(tmp_path / "folder")
    assert board.ask("offer", sha256="0" * 64, suffix=".onnx", parts=[["", 1]]) == {"data": {"path": None}}
    assert not kept.is_symlink()
    assert (tmp_path / "folder/file").exists()
