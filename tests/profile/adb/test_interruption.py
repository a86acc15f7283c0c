from __future__ import annotations

import os
import signal
import threading

import pytest

from pocketbench.profile.adb.interruption import leave_by_signals


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_leaves_through_finally(name: str) -> None:
    number = getattr(signal, name)
    passed = []

    def work() -> None:
        with leave_by_signals():
            try:
                os.kill(os.getpid(), number)
            finally:
                passed.append(name)

    before = signal.getsignal(number)
    assert before is signal.SIG_DFL
    with pytest.raises(SystemExit) as caught:
        work()
    assert caught.value.code == 128 + number
    assert passed == [name]
    assert signal.getsignal(number) is before


@pytest.mark.parametrize(("name", "kind"), [("SIGINT", KeyboardInterrupt), ("SIGTERM", SystemExit)])
def test_a_second_signal_does_not_interrupt_what_the_first_began(name: str, kind: type[BaseException]) -> None:
    number = getattr(signal, name)
    passed = []

    def work() -> None:
        with leave_by_signals():
            try:
                os.kill(os.getpid(), number)
            finally:
                os.kill(os.getpid(), number)
                passed.append(name)

    before = signal.getsignal(number)
    with pytest.raises(kind):
        work()
    assert passed == [name]
    assert signal.getsignal(number) is before


def test_handlers_of_others_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: pytest.fail("a handler was replaced"))
    monkeypatch.setattr(signal, "getsignal", lambda _: print)
    with leave_by_signals():
        pass


def test_in_a_thread_nothing_is_changed() -> None:
    found = []

    def look() -> None:
        with leave_by_signals():
            found.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [signal.SIG_DFL]
