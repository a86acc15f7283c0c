"""A worker on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pocketbench.core.errors import one_line
from pocketbench.core.records import Failure
from pocketbench.profile.agent.refusal import Refusal
from pocketbench.profile.agent.worker_process import WorkerProcess


class WorkerFault(Exception):
    """Why a worker gave no data. Caught by whoever runs workers; users see the failure in a record or a message."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.failure = Failure(kind=kind, message=one_line(message))


class Worker(WorkerProcess):
    """A process that answers a line of JSON with a line of JSON (`agent.py`), and the group of processes it starts.

    Args:
        command: what to run.
        environment: variables beside those of this process.

    Raises:
        WorkerFault: when it can't be started.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        try:
            super().__init__(command, environment)
        except Refusal as refusal:
            raise WorkerFault(refusal.kind, refusal.message) from refusal

    def request(self, message: Mapping[str, Any], timeout_s: float, watched: int | None = None) -> dict[str, Any]:
        """As `WorkerProcess.request`. Raises: WorkerFault."""
        try:
            return super().request(message, timeout_s, watched)
        except Refusal as refusal:
            raise WorkerFault(refusal.kind, refusal.message) from refusal
