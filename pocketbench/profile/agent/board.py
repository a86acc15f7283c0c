"""The board's end of a connection: `python AGENT.pyz board`. Runs on Python 3.9 with the standard library alone.

It reads one JSON object a line from stdin and answers each with one line on stdout, as `agent.py` does, until stdin
ends or nobody has asked anything for long. It loads no runtime: it starts workers (`agent.py`), hands them what they
are asked, and ends them, whatever they do and whatever becomes of the connection.

    {"do": "hold", "token", "who"}              takes the board for one run; the same token takes it over
    {"do": "facts"}                             `machine_state.read_facts`, and what Python this is
    {"do": "state"}                             `machine_state.read_state`
    {"do": "offer", "sha256", "suffix", "parts"}     path, or null for a model that is to be sent
    {"do": "receive", "sha256", "suffix", "parts"}   and then the bytes of the model: path
    {"do": "start"}                             the number of a new worker
    {"do": "ask", "worker", "message", "timeout_s"}  the worker's answer
    {"do": "end", "worker", "gently"}
    {"do": "scratch"}                           a folder for this connection
    {"do": "fetch", "name"}                     size_bytes of a file in it, and then its bytes
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from pocketbench.profile.agent.board_files import ModelFolder
from pocketbench.profile.agent.board_requests import Requests, RequestsEnded
from pocketbench.profile.agent.lock_file import open_lock
from pocketbench.profile.agent.machine_state import read_facts, read_state
from pocketbench.profile.agent.refusal import Refusal
from pocketbench.profile.agent.worker_process import Disturbed, WorkerProcess

GREETING = "pocketbench board"
LOCK_NAME = "pocketbench-board.lock"
TAKE_OVER_S = 15.0
POLL_S = 0.1
NOTE_BYTES = 500


class Board:
    """One connection.

    Args:
        agent: the file that this runs from.
    """

    def __init__(self, requests: Requests, replies: BinaryIO, agent: str, folder: Path) -> None:
        self._requests = requests
        self._replies = replies
        self._agent = agent
        self._models = ModelFolder(folder)
        self._workers: dict[int, WorkerProcess] = {}
        self._lock: int | None = None
        self._scratch: Path | None = None

    def serve(self) -> None:
        """Greet, and answer until the host is gone. No worker outlives this."""
        handlers = {
            "hold": self._hold,
            "facts": self._facts,
            "state": lambda _: read_state(),
            "offer": self._offer,
            "receive": self._receive,
            "start": self._start,
            "ask": self._ask,
            "end": self._end,
            "scratch": self._make_scratch,
            "fetch": self._fetch,
        }
        try:
            # a line of its own, also behind what the login shell printed without an end
            self._replies.write(f"\n{GREETING}\n".encode())
            self._replies.flush()
            while True:
                request = self._requests.read_request()
                try:
                    reply = {"data": handlers[request["do"]](request)}
                except Refusal as refusal:
                    reply = {"error": {"kind": refusal.kind, "message": refusal.message}}
                except OSError as error:  # of the board's own files and processes
                    reply = {"error": {"kind": "device", "message": f"{request['do']}: {error}"}}
                self._reply(reply)
        except (RequestsEnded, Disturbed, BrokenPipeError):
            return
        finally:
            for worker in self._workers.values():
                worker.kill()
            if self._scratch is not None:
                shutil.rmtree(self._scratch, ignore_errors=True)

    def _reply(self, reply: Mapping[str, Any]) -> None:
        content = reply.get("data", {}).pop("content", b"")
        self._replies.write(json.dumps(reply).encode() + b"\n" + content)
        self._replies.flush()

    def _hold(self, request: Mapping[str, Any]) -> dict[str, Any]:
        path = Path(tempfile.gettempdir()) / LOCK_NAME
        deadline = time.monotonic() + TAKE_OVER_S
        try:
            descriptor = open_lock(path)
        except OSError as error:
            raise Refusal("device", f"can't lock the board: {path}: {error.strerror or error}") from error
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                holder = _read_note(descriptor)
                if holder.get("token") != request["token"] or time.monotonic() > deadline:
                    os.close(descriptor)
                    raise Refusal("in_use", f"{holder.get('who') or 'another run'} measures on it") from error
                # this run's own, behind a connection that was lost
                with contextlib.suppress(OSError, ValueError, OverflowError):
                    os.kill(int(holder["process"]), signal.SIGTERM)
                time.sleep(POLL_S)
        note = json.dumps({"process": os.getpid(), "token": request["token"], "who": request["who"]})
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, note.encode(), 0)
        self._lock = descriptor  # held as long as the process lives
        self._models.remove_old()
        return {}

    def _facts(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        python = {"python": platform.python_version(), "executable": sys.executable}
        return {**read_facts(), **python}

    def _offer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        path = self._models.find(request["sha256"], request["suffix"], request["parts"])
        if path is None:
            self._models.check_room(request["parts"])
        return {"path": None if path is None else str(path)}

    def _receive(self, request: Mapping[str, Any]) -> dict[str, Any]:
        read = self._requests.read_piece
        return {"path": str(self._models.receive(request["sha256"], request["suffix"], request["parts"], read))}

    def _start(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        number = max(self._workers, default=0) + 1
        self._workers[number] = WorkerProcess([sys.executable, self._agent])
        return {"worker": number}

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        worker = self._workers.get(request["worker"])
        if worker is None:
            raise Refusal("crash", "the worker is gone")
        return worker.request(request["message"], request["timeout_s"], self._requests.descriptor)

    def _end(self, request: Mapping[str, Any]) -> dict[str, Any]:
        worker = self._workers.pop(request["worker"], None)
        if worker is not None:
            if request["gently"]:
                worker.close()
            worker.kill()
        return {}

    def _make_scratch(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        if self._scratch is None:
            self._scratch = Path(tempfile.mkdtemp(prefix="pocketbench-"))
        return {"path": str(self._scratch)}

    def _fetch(self, request: Mapping[str, Any]) -> dict[str, Any]:
        name = request["name"]
        if self._scratch is None or name != Path(name).name:
            raise Refusal("device", f"{name!r} is no file of this connection")
        try:
            content = (self._scratch / name).read_bytes()
        except OSError as error:
            raise Refusal("device", f"{name}: {error.strerror or error}") from error
        return {"size_bytes": len(content), "content": content}


def main() -> None:
    """Serve stdin and stdout, which are nobody else's from now on."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    agent = str(Path(sys.argv[0]).absolute())
    with os.fdopen(replies, "wb") as stream:
        Board(Requests(requests), stream, agent, Path(agent).parent / "models").serve()


def _stop(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(0)


def _read_note(descriptor: int) -> dict[str, Any]:
    try:
        note = json.loads(os.pread(descriptor, NOTE_BYTES, 0))
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}
