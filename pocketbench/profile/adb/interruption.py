"""Signals that end a process at once are left through the `finally` blocks instead: a phone has to be put back."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


@contextlib.contextmanager
def leave_by_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise SystemExit while the block runs, as SIGINT raises KeyboardInterrupt, where nobody
    else has taken them. Each is heard once: a second Ctrl-C would interrupt what puts the phone back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for number in _find_numbers()}
    own = {number for number, handler in handlers.items() if handler in (signal.SIG_DFL, signal.default_int_handler)}
    for number in own:
        signal.signal(number, _leave)
    try:
        yield
    finally:
        for number in own:
            signal.signal(number, handlers[number])


def _find_numbers() -> list[signal.Signals]:
    return [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]


def _leave(received: int, _: FrameType | None) -> None:
    signal.signal(received, signal.SIG_IGN)
    if received == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + received)
