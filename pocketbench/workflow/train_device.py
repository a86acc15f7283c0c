"""What a training runs on, and how many run at a time."""

from __future__ import annotations

from pocketbench.core.errors import EnvironmentFault
from pocketbench.workflow.worker_count import count_workers

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
    """Trainings at a time: one on a GPU, else one a core."""
    return count_workers(WORKER_MEMORY_BYTES) if device == "cpu" else 1
