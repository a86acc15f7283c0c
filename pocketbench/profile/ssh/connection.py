"""One connection to a board: an ssh whose far end is the agent (`profile/agent/board.py`)."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pocketbench.core.errors import DeviceFault, MissingPackageError
from pocketbench.profile.agent.board import GREETING
from pocketbench.profile.agent.refusal import Refusal
from pocketbench.profile.agent.worker_process import WorkerProcess
from pocketbench.profile.device_entry import DeviceEntry
from pocketbench.profile.machine import ConnectionLoss
from pocketbench.profile.ssh.client import INSTALL_CLIENT, PYTHON_READY, make_command
from pocketbench.profile.ssh.faults import explain_end, explain_python

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")
# Slow boards need seconds to log in and to start Python; a shell that waits for input waits for ever.
GREETING_WAIT_S = 60.0
ANSWER_WAIT_S = 60.0
MAX_NOISE_LINES = 5000
MAX_FETCH_BYTES = 1 << 31  # the largest graph that ONNX can hold
READ_BYTES = 1 << 20
# The slowest link that is waited for: 100 kB/s.
SLOW_LINK_BYTES_S = 100_000


class Connection:
    """An agent that has greeted. It ends, with all that it started, when this is closed or the connection breaks.

    Args:
        archive: the agent (`archive.py`); it is sent where it is not there yet.

    Raises:
        MissingPackageError: without an OpenSSH client.
        UsageError: for an address that is none.
        DeviceFault: when the board can't be reached, or has no Python that will do.
    """

    def __init__(self, entry: DeviceEntry, archive: Path) -> None:
        self._entry = entry
        try:
            self._process = WorkerProcess(make_command(entry))
        except Refusal as refusal:
            raise MissingPackageError(refusal.message, INSTALL_CLIENT) from refusal
        try:
            self._greet(archive)
        except BaseException:
            self._process.kill()
            raise

    @property
    def is_open(self) -> bool:
        return not self._process.has_ended

    def ask(self, do: str, wait_s: float = ANSWER_WAIT_S, **values: Any) -> dict[str, Any]:
        """The agent's answer.

        Raises:
            Refusal: the agent's own.
            ConnectionLoss: when it does not come.
        """
        self._process.write(json.dumps({"do": do, **values}).encode() + b"\n")
        return self._read_answer(do, wait_s)

    def send(self, request: dict[str, Any], files: Sequence[Path], size_bytes: int) -> dict[str, Any]:
        """A request that is followed by the content of files. Raises: as `ask`; DeviceFault when one can't be read."""
        self._process.write(json.dumps(request).encode() + b"\n")
        for file in files:
            for piece in _read_pieces(file, self._entry):
                if not self._process.write(piece):
                    raise self._lose("a file was sent")
        return self._read_answer(request["do"], ANSWER_WAIT_S + size_bytes / SLOW_LINK_BYTES_S)

    def fetch(self, name: str) -> bytes:
        """A file of the connection's scratch folder. Raises: as `ask`."""
        size_bytes = self.ask("fetch", name=name)["size_bytes"]
        if size_bytes > MAX_FETCH_BYTES:
            raise self._lose(f"{name} of {size_bytes} bytes was announced")
        content = self._process.read_bytes(size_bytes, ANSWER_WAIT_S + size_bytes / SLOW_LINK_BYTES_S)
        if content is None:
            raise self._lose(f"{name} was fetched")
        return content

    def close(self) -> None:
        self._process.close()

    def kill(self) -> None:
        self._process.kill()

    def _read_answer(self, do: str, wait_s: float) -> dict[str, Any]:
        if not self.is_open:
            raise ConnectionLoss("the connection is closed")
        line = self._process.read_line(wait_s)
        if not line:
            raise self._lose(f"it was asked to {do!r}")
        try:
            reply = json.loads(line)
            if "error" in reply:
                raise Refusal(reply["error"]["kind"], reply["error"]["message"])
            data: dict[str, Any] = reply["data"]
        except (ValueError, KeyError, TypeError) as error:
            raise self._lose(f"it answered {line[:80]!r}") from error
        return data

    def _lose(self, when: str) -> ConnectionLoss:
        reason = self._process.describe_death().replace("the worker", "ssh")
        return ConnectionLoss(f"{self._entry.name}: the connection was lost when {when} ({reason})")

    def _greet(self, archive: Path) -> None:
        content = archive.read_bytes()
        self._wait_for(PYTHON_READY)
        wanted = {"name": archive.name, "sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
        self._process.write(json.dumps(BOOTSTRAP.read_text(encoding="utf-8")).encode() + b"\n")
        self._process.write(json.dumps(wanted).encode() + b"\n")
        while True:
            line = self._read_noise()
            if line == GREETING:
                return
            reply = _parse_bootstrap(line)
            if "need" in reply:
                self._process.write(content)
            elif "problem" in reply:
                raise self._explain_problem(reply)

    def _wait_for(self, text: str) -> None:
        for _ in range(MAX_NOISE_LINES):
            if self._read_noise() == text:
                return
        raise DeviceFault(
            f"{self._entry.name}: its login shell prints more than {MAX_NOISE_LINES} lines",
            "silence it for commands that are not interactive",
        )

    def _read_noise(self) -> str:
        """The next line, whoever prints it. Raises: DeviceFault when the connection ends first."""
        line = self._process.read_line(GREETING_WAIT_S)
        if line is None:
            raise DeviceFault(
                f"{self._entry.name}: the login shell does not start {self._entry.python or 'python3'}",
                "its start-up files must not wait for input",
            )
        if not line:
            raise explain_end(self._entry, *self._process.read_end())
        return line.decode(errors="replace").strip()

    def _explain_problem(self, reply: dict[str, Any]) -> DeviceFault:
        text = str(reply.get("text"))
        if reply["problem"] == "python":
            return explain_python(self._entry, f"it has Python {text}")
        return DeviceFault(
            f"{self._entry.name}: the agent can't be kept there: {text}", "free space in ~/.cache, or check its owner"
        )


def _parse_bootstrap(line: str) -> dict[str, Any]:
    with contextlib.suppress(ValueError):
        reply = json.loads(line)
        if isinstance(reply, dict) and isinstance(reply.get("pocketbench"), dict):
            found: dict[str, Any] = reply["pocketbench"]
            return found
    return {}


def _read_pieces(file: Path, entry: DeviceEntry) -> Iterator[bytes]:
    try:
        with file.open("rb") as stream:
            yield from iter(lambda: stream.read(READ_BYTES), b"")
    except OSError as error:
        raise DeviceFault(
            f"can't send {file} to {entry.name}: {error.strerror or error}", "check the file and its permissions"
        ) from error
