"""A process that trains networks for another one (train_worker.py)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pocketbench.workflow.reply_process import ReplyProcess

# cuBLAS sums in the same order each time only with a workspace of its own
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}


class TrainProcess(ReplyProcess):
    """A worker process (train_worker.py). Stopped, a training goes on from its last whole epoch some other time."""

    def __init__(self) -> None:
        super().__init__(
            "pocketbench.workflow.train_worker",
            last="training",
            activity="training",
            crash_cure="the same command again continues; free memory if it was SIGKILL",
            environment=ENVIRONMENT,
        )

    def train(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The replies, up to the one that holds the training. Raises: as `ask`."""
        return self.ask(request)
