from __future__ import annotations

import os
import signal
import sys

import pytest

from pocketbench.profile.adb.process import run_program


def run_python(code: str, timeout_s: float = 20, output_limit: int = 1 << 20):  # type: ignore[no-untyped-def]
    return run_program([sys.executable, "-IS", "-c", code], timeout_s, output_limit)


def test_output_errors_and_status() -> None:
    ran = run_python("import os, sys; os.write(1, b'a' * 200_000); os.write(2, b'e'); sys.exit(3)")
    assert (ran.status, ran.output, ran.errors, ran.is_cut) == (3, b"a" * 200_000, b"e", False)


def test_a_program_that_does_not_end_is_ended() -> None:
    ran = run_python("import os, time; os.write(1, b'a'); time.sleep(600)", timeout_s=0.5)
    assert (ran.status, ran.output, ran.is_cut) == (None, b"a", False)


def test_a_program_that_prints_without_end_is_ended() -> None:
    ran = run_python("import os\nwhile True: os.write(1, b'a' * 1000)", output_limit=5_000)
    assert (ran.status, ran.is_cut) == (None, True)
    assert len(ran.output) < 100_000


def test_a_server_that_keeps_the_output_open_is_not_waited_for() -> None:
    """It is not ended, either: adb's server serves others."""
    ran = run_python("import os, time\nchild = os.fork()\nif child: os.write(1, b'%d' % child)\nelse: time.sleep(600)")
    child = int(ran.output)
    os.kill(child, signal.SIGKILL)
    assert ran.status == 0


def test_input_is_empty() -> None:
    assert run_python("import sys; sys.exit(len(sys.stdin.read()))").status == 0


def test_no_program() -> None:
    with pytest.raises(FileNotFoundError):
        run_program(["/no/such/program"], 1, 1)
