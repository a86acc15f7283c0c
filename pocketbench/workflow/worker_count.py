"""How many worker processes this machine carries."""

from __future__ import annotations

import os

from pocketbench.core.cores import count_cores


def count_workers(memory_bytes: int) -> int:
    """As many as there are cores, if the free memory holds them.

    Args:
        memory_bytes: what one worker may need.
    """
    cores = count_cores()
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):  # macOS has no such name
        return cores
    return max(1, min(cores, free // memory_bytes))
