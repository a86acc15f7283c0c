"""A process that trains networks for another one (train_worker.py): requests, replies, its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from pocketbench.core.errors import EnvironmentFault, UsageError
from pocketbench.workflow.worker_end import describe_end


class TrainProcess:
    """A worker process (train_worker.py) that is started when needed, and again after a crash."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed in stop)
        self._stopped = False

    def train(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The replies, up to the one that holds the training.

        Raises: PocketbenchError when the worker says that it failed, or it ended.
        """
        process = self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            pass  # the reading below tells why
        for line in process.stdout:
            reply = json.loads(line)
            if "failure" in reply:
                exit_code, what, cure = reply["failure"]
                # its exact class stays in the worker
                raise (UsageError if exit_code == UsageError.exit_code else EnvironmentFault)(what, cure)
            yield reply
            if "training" in reply:
                return
        raise EnvironmentFault(
            f"training ended its process {describe_end(process, self._log)}",
            "the same command again continues; free memory if it was SIGKILL",
        )

    def stop(self) -> None:
        """End the worker at once; the training goes on from its last whole epoch some other time."""
        self._stopped = True
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _start(self) -> subprocess.Popen[str]:
        if self._stopped:
            raise EnvironmentFault("training was stopped", "the same command again continues")
        if self._process is None or self._process.poll() is not None:
            # cuBLAS sums in the same order each time only with a workspace of its own
            settings = {"OMP_NUM_THREADS": "1", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pocketbench.workflow.train_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
                env=os.environ | settings,
            )
        return self._process
