"""One run of a program on this machine, bounded in time and in what it may print."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

READ_BYTES = 1 << 16
# How often a program is looked after whose output stays open when it has ended: adb's server keeps what it was given.
LOOK_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a program ended. `status` is None where it was ended by us: it ran out of time, or, with `is_cut`, it printed
    too much."""

    status: int | None
    output: bytes
    errors: bytes
    is_cut: bool = False


class RunProgram(Protocol):
    """The seam between us and adb."""

    def __call__(self, command: Sequence[str], timeout_s: float, output_limit: int) -> Ran: ...


def run_program(command: Sequence[str], timeout_s: float, output_limit: int) -> Ran:
    """Run `command` without input and return what it printed, at most `output_limit` bytes.

    Raises: OSError when it can't be started.
    """
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C reaches us alone, and what we do about it still finds a live connection
    ) as process:
        try:
            return _collect(process, time.monotonic() + timeout_s, output_limit)
        finally:
            process.kill()  # nothing where it has ended


def _collect(process: subprocess.Popen[bytes], deadline: float, output_limit: int) -> Ran:
    assert process.stdout is not None
    assert process.stderr is not None
    output, errors = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, output)
        selector.register(process.stderr, selectors.EVENT_READ, errors)
        while selector.get_map():
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return Ran(status=None, output=bytes(output), errors=bytes(errors))
            ready = selector.select(min(remaining, LOOK_S))
            if not ready and process.poll() is not None:
                break
            for key, _ in ready:
                chunk = os.read(key.fd, READ_BYTES)
                if not chunk:
                    selector.unregister(key.fileobj)
                key.data.extend(chunk)
            if len(output) + len(errors) > output_limit:
                return Ran(status=None, output=bytes(output), errors=bytes(errors), is_cut=True)
    status = None
    with contextlib.suppress(subprocess.TimeoutExpired):
        status = process.wait(max(0.0, deadline - time.monotonic()))
    return Ran(status=status, output=bytes(output), errors=bytes(errors))
