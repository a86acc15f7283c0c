"""A process that works for another one, a JSON line at a time: requests, replies, its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

from pocketbench.core.errors import EnvironmentFault, UsageError
from pocketbench.workflow.worker_end import describe_end


class ReplyProcess:
    """A worker process that is started when needed, and again after a crash.

    Args:
        module: what it runs. A reply that it failed is {"failure": [exit code, what, cure]}.
        last: the key of the reply that ends a request.
        activity: what it does, for messages: "training".
        crash_cure: what to try after a crash.
        environment: variables beside those of this process.
    """

    def __init__(
        self, module: str, *, last: str, activity: str, crash_cure: str, environment: Mapping[str, str]
    ) -> None:
        self._module, self._last, self._activity, self._crash_cure = module, last, activity, crash_cure
        self._environment = environment
        self._process: subprocess.Popen[str] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed in stop)
        self._stopped = False

    def ask(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The replies, up to the last one.

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
            if self._last in reply:
                return
        raise EnvironmentFault(
            f"{self._activity} ended its process {describe_end(process, self._log)}", self._crash_cure
        )

    def stop(self) -> None:
        """End the worker at once."""
        self._stopped = True
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _start(self) -> subprocess.Popen[str]:
        if self._stopped:
            raise EnvironmentFault(f"{self._activity} was stopped", "the same command again continues")
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
                env=os.environ | self._environment,
            )
        return self._process
