"""A worker process: start it, ask it, and end it, whatever it does."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import Any

from pocketbench.core.errors import one_line
from pocketbench.core.records import Failure

EXIT_WAIT_S = 5.0
TAIL_BYTES = 4096
TAIL_LINES = 5
LAST_WORDS_LENGTH = 240
READ_BYTES = 1 << 16


class WorkerFault(Exception):
    """Why a worker gave no data. Caught by whoever runs workers; users see the failure in a record or a message."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.failure = Failure(kind=kind, message=one_line(message))


class Worker:
    """A process that answers a line of JSON with a line of JSON (`agent.py`), and the group of processes it starts.

    Args:
        command: what to run.
        environment: variables beside those of this process.

    Raises:
        WorkerFault: when it can't be started.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the worker)
        self._received = b""
        self._ended = False
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env=None if environment is None else {**os.environ, **environment},
                # a group of its own: Ctrl-C reaches us alone, and one kill ends whatever the runtime started
                start_new_session=True,
            )
        except OSError as error:
            self._stderr.close()
            raise WorkerFault("missing_package", f"can't run {command[0]}: {error.strerror or error}") from error

    @property
    def process_id(self) -> int:
        return self._process.pid

    def request(self, message: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Send `message` and return the data of the reply. After a crash or a timeout the worker is gone.

        Raises:
            WorkerFault: when the worker refuses, crashes, or does not answer in time.
        """
        assert self._process.stdin is not None
        # a worker that died is noticed below, where its last words are read
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        line = self._read_line(time.monotonic() + timeout_s)
        if line is None:
            self.kill()
            raise WorkerFault(
                "timeout", f"no answer to {message['do']!r} within {timeout_s:g} s: the runtime hangs, or needs longer"
            )
        if not line:
            raise WorkerFault("crash", self._describe_death())
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise WorkerFault(reply["error"]["kind"], reply["error"]["message"])
        data: dict[str, Any] = reply["data"]
        return data

    def close(self) -> None:
        """Let the worker end by itself, then make sure that it did."""
        if self._ended:
            return
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(EXIT_WAIT_S)
        self.kill()

    def kill(self) -> None:
        """End the worker and all that it started, now. Once it is gone its number may be another's: kill no more."""
        if self._ended:
            return
        self._ended = True
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS refuses where Linux finds nothing
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if stream is not None:
                    stream.close()
        self._stderr.close()

    def _read_line(self, deadline: float) -> bytes | None:
        """The next line; empty when the worker closed its end; None when the deadline came first."""
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._received:
                remaining = deadline - time.monotonic()
                if remaining <= 0 or not selector.select(remaining):
                    return None
                chunk = os.read(self._process.stdout.fileno(), READ_BYTES)
                if not chunk:
                    return b""
                self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        return line

    def _describe_death(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(EXIT_WAIT_S)
        code = self._process.poll()
        last_words = self._read_last_words()
        self.kill()
        return describe_exit(code) + (f"; it last said: {last_words}" if last_words else "")

    def _read_last_words(self) -> str:
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - TAIL_BYTES))
        lines = self._stderr.read().decode(errors="replace").split("\n")
        words = " | ".join([line.strip() for line in lines if line.strip()][-TAIL_LINES:])
        return words if len(words) <= LAST_WORDS_LENGTH else f"...{words[-LAST_WORDS_LENGTH:]}"


def describe_exit(code: int | None) -> str:
    """How a process ended, from its return code: negative is the number of a signal."""
    if code is None:
        return "the worker stopped answering"
    if code >= 0:
        return f"the worker ended with exit status {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    reason = " (often: out of memory)" if code == -signal.SIGKILL else ""
    return f"the worker died of {name}{reason}"
