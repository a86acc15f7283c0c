"""How many worker processes this machine carries."""

from __future__ import annotations

import os


def count_workers(memory_bytes: int) -> int:
    """As many as there are cores, if the free memory holds them.

    Args:
        memory_bytes: what one worker may need.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):  # macOS has no such name
        return cores
    return max(1, min(cores, free // memory_bytes))
