"""A worker process: start it, ask it, and end it, whatever it does.

Runs on Python 3.9 with the standard library alone: on a board the agent starts workers of its own with it.
"""

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

from pocketbench.profile.agent.refusal import Refusal

EXIT_WAIT_S = 5.0
TAIL_BYTES = 4096
TAIL_LINES = 5
LAST_WORDS_LENGTH = 240
READ_BYTES = 1 << 16
WRITE_BYTES = 1 << 16
WRITE_STALL_S = 60.0
# A burst of a million inferences is 20 MB: more than that is no answer.
MAX_LINE_BYTES = 1 << 28


class Disturbed(Exception):
    """Somebody else needs attention before the worker has answered."""


class WorkerProcess:
    """A process that answers a line of JSON with a line of JSON (`agent.py`), and the group of processes it starts.

    Args:
        command: what to run.
        environment: variables beside those of this process.

    Raises:
        Refusal: when it can't be started.
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
                bufsize=0,
                env=None if environment is None else {**os.environ, **environment},
                # a group of its own: Ctrl-C reaches us alone, and one kill ends whatever the runtime started
                start_new_session=True,
            )
        except OSError as error:
            self._stderr.close()
            raise Refusal("missing_package", f"can't run {command[0]}: {error.strerror or error}") from error
        assert self._process.stdin is not None
        os.set_blocking(self._process.stdin.fileno(), False)

    @property
    def has_ended(self) -> bool:
        """Whether this was closed or killed; a process that died by itself is found when it is read."""
        return self._ended

    @property
    def process_id(self) -> int:
        return self._process.pid

    def request(self, message: Mapping[str, Any], timeout_s: float, watched: int | None = None) -> dict[str, Any]:
        """Send `message` and return the data of the reply. After a crash or a timeout the worker is gone.

        Args:
            watched: a descriptor that is not to become readable while the worker is busy.

        Raises:
            Refusal: when the worker refuses, crashes, or does not answer in time.
            Disturbed: when `watched` became readable first; the worker is gone then, too.
        """
        self.write(json.dumps(message).encode() + b"\n")
        try:
            line = self.read_line(timeout_s, watched)
        except Disturbed:
            self.kill()
            raise
        if line is None:
            self.kill()
            raise Refusal(
                "timeout", f"no answer to {message['do']!r} within {timeout_s:g} s: the runtime hangs, or needs longer"
            )
        if not line:
            raise Refusal("crash", self.describe_death())
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise Refusal(reply["error"]["kind"], reply["error"]["message"])
        data: dict[str, Any] = reply["data"]
        return data

    def write(self, data: bytes | memoryview, stall_s: float = WRITE_STALL_S) -> bool:
        """Send `data`; whether all of it went. Why a process takes no more is found when it is read.

        Args:
            stall_s: how long it may take nothing at all.
        """
        assert self._process.stdin is not None
        descriptor = self._process.stdin.fileno()
        left = memoryview(data)
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_WRITE)
            while left:
                if not selector.select(stall_s):
                    return False
                try:
                    left = left[os.write(descriptor, left[:WRITE_BYTES]) :]
                except BlockingIOError:
                    continue
                except BrokenPipeError:
                    return False
        return True

    def read_line(self, timeout_s: float, watched: int | None = None) -> bytes | None:
        """The next line with its end; empty at the end of the stream; None when it came too late. Raises: Disturbed."""
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._received:
            if len(self._received) > MAX_LINE_BYTES:
                return b""
            chunk = self._read_chunk(deadline, watched)
            if not chunk:
                return chunk
            self._received += chunk
        line, end, self._received = self._received.partition(b"\n")
        return line + end

    def read_bytes(self, count: int, timeout_s: float) -> bytes | None:
        """The next `count` bytes; None when they did not come in `timeout_s`, or the process closed its end."""
        deadline = time.monotonic() + timeout_s
        pieces = [self._received]
        missing = count - len(self._received)
        while missing > 0:
            chunk = self._read_chunk(deadline, None)
            if not chunk:
                return None
            pieces.append(chunk)
            missing -= len(chunk)
        whole = b"".join(pieces)
        self._received = whole[count:]
        return whole[:count]

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

    def _read_chunk(self, deadline: float, watched: int | None) -> bytes | None:
        """What has come; empty when the process closed its end; None when the deadline came first."""
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if watched is not None:
                selector.register(watched, selectors.EVENT_READ)
            remaining = deadline - time.monotonic()
            ready = {key.fd for key, _ in selector.select(remaining)} if remaining > 0 else set()
        if not ready:
            return None
        if watched in ready:
            raise Disturbed
        return os.read(self._process.stdout.fileno(), READ_BYTES)

    def describe_death(self) -> str:
        """How the process ended, and the last that it said on stderr. It is gone for good after this."""
        code, text = self.read_end()
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        words = " | ".join(lines[-TAIL_LINES:])
        words = words if len(words) <= LAST_WORDS_LENGTH else f"...{words[-LAST_WORDS_LENGTH:]}"
        return describe_exit(code) + (f"; it last said: {words}" if words else "")

    def read_end(self) -> tuple[int | None, str]:
        """Its exit status, None where it had to be killed, and the end of its stderr. It is gone after this."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(EXIT_WAIT_S)
        code = self._process.poll()
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - TAIL_BYTES))
        text = self._stderr.read().decode(errors="replace")
        self.kill()
        return code, text


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
