"""Memory of this process and of the machine, in bytes. Runs on Python 3.9 with the standard library alone."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def read_peak_rss_bytes() -> int | None:
    """The most memory that this process has held since it started.

    Differs: from `ru_maxrss`, which on Linux survives exec and would report the memory of the process that started
    this one; it is read only where there is no /proc.
    """
    peak = _read_kib("/proc/self/status", "VmHWM")
    return peak if peak is not None else _read_usage_peak()


def read_rss_bytes() -> int | None:
    """The memory that this process holds now; its peak so far where there is no /proc."""
    now = _read_kib("/proc/self/status", "VmRSS")
    return now if now is not None else _read_usage_peak()


def read_available_bytes() -> int | None:
    """The memory that can be had without swapping; all of the machine's where the system does not say."""
    available = _read_kib("/proc/meminfo", "MemAvailable")
    if available is not None:
        return available
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None


def parse_kib(text: str, key: str) -> int | None:
    """The value in bytes of a line `key:  123 kB`; None when there is no such line."""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name == key:
            words = value.split()
            return int(words[0]) * 1024 if words and words[0].isdigit() else None
    return None


def _read_kib(path: str, key: str) -> int | None:
    try:
        return parse_kib(Path(path).read_text(encoding="ascii", errors="replace"), key)
    except OSError:
        return None


def _read_usage_peak() -> int | None:
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
