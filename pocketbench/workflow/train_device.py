"""What a training runs on, and how many run at a time."""

from __future__ import annotations

import os

from pocketbench.core.errors import EnvironmentFault

WORKER_MEMORY_BYTES = 2 * 2**30


def choose_device(asked: str) -> str:
    """ "cpu" or "cuda"; "auto" is a GPU where torch can use one.

    Raises: EnvironmentFault when "cuda" was asked for and there is none.
    """
    if asked == "cpu":
        return asked
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if asked == "auto":
        return "cpu"
    raise EnvironmentFault(f"torch {torch.__version__} finds no GPU", "--device cpu, or install a torch with CUDA")


def count_jobs(device: str) -> int:
    """One on a GPU; else one a core, if the free memory holds them."""
    if device != "cpu":
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):  # macOS has no such name
        return cores
    return max(1, min(cores, free // WORKER_MEMORY_BYTES))
