"""How a worker process ended that should not have."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import IO

SHOWN_BYTES = 300


def describe_end(process: subprocess.Popen[str], log: IO[bytes]) -> str:
    """ "by SIGKILL: ...", with the end of what it printed. Waits for the end."""
    code = process.wait()
    how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
    tail = ""
    if not log.closed:
        log.seek(0, os.SEEK_END)
        log.seek(max(0, log.tell() - SHOWN_BYTES))
        tail = log.read().decode("utf-8", "replace")
    return f"{how}: ...{tail}"
