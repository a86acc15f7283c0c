"""Signals that end a process at once are left through the `finally` blocks instead: a phone has to be put back."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator

SIGNALS = ("SIGTERM", "SIGHUP")


@contextlib.contextmanager
def leave_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise SystemExit while the block runs, where nobody else has taken them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    taken = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
