from __future__ import annotations

import subprocess
import sys

import pytest

from pocketbench.profile.agent import memory

TEXT = "Name:\tpython\nVmHWM:\t   2048 kB\nVmRSS:\t    512 kB\nThreads:\t1\n"


def test_lines_of_proc_are_in_kib() -> None:
    assert memory.parse_kib(TEXT, "VmHWM") == 2048 * 1024
    assert memory.parse_kib(TEXT, "VmRSS") == 512 * 1024
    assert memory.parse_kib(TEXT, "VmSwap") is None
    assert memory.parse_kib("VmHWM:\n", "VmHWM") is None


def test_the_peak_is_of_this_process_and_not_of_its_parent() -> None:
    """A parent with 300 MB starts a child: ru_maxrss would give the child the parent's peak."""
    child = "from pocketbench.profile.agent.memory import read_peak_rss_bytes; print(read_peak_rss_bytes())"
    parent = (
        "import subprocess, sys; ballast = bytearray(300_000_000); "
        f"print(subprocess.run([sys.executable, '-c', {child!r}], capture_output=True, text=True, check=True).stdout)"
    )
    done = subprocess.run([sys.executable, "-c", parent], capture_output=True, text=True, check=True)
    assert 1_000_000 < int(done.stdout) < 100_000_000


def test_the_peak_stays_when_the_memory_is_given_back() -> None:
    script = (
        "from pocketbench.profile.agent.memory import read_peak_rss_bytes, read_rss_bytes\n"
        "ballast = bytearray(b'x') * 200_000_000\ndel ballast\nprint(read_rss_bytes(), read_peak_rss_bytes())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    now, peak = map(int, done.stdout.split())
    assert now < 100_000_000 < 200_000_000 < peak


def test_without_proc_the_usage_of_the_process_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_read_kib", lambda *_: None)
    assert memory.read_peak_rss_bytes() > 1_000_000
    assert memory.read_rss_bytes() > 1_000_000
    assert memory.read_available_bytes() > 100_000_000
