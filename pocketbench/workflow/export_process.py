"""A process that exports models for another one (export_worker.py): requests, replies, crashes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pocketbench.core.errors import EnvironmentFault, PocketbenchError, UsageError
from pocketbench.core.jsonio import parse_record, to_plain
from pocketbench.core.records import Artifact, ModelSpec
from pocketbench.core.targets import FormatTarget
from pocketbench.export.naming import scratch_prefix
from pocketbench.workflow.worker_end import describe_end


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportJob:
    """One model and the targets that one worker exports it to, building it once."""

    spec: ModelSpec
    targets: tuple[FormatTarget, ...]


class ExportProcess:
    """A worker process (export_worker.py) that is started when needed, and again after a crash."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._folder: Path | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed in stop)
        self._stopped = False

    def export(self, job: ExportJob, folder: Path) -> Iterable[tuple[str, FormatTarget, Any]]:
        """Yields ("step", target, None), ("artifact", target, (record, fresh)), ("failure", target, error)."""
        process = self._start()
        self._folder = folder
        assert process.stdin is not None
        assert process.stdout is not None
        request = {
            "spec": to_plain(job.spec),
            "targets": [str(target) for target in job.targets],
            "calibration": next((to_plain(item.calibration) for item in job.targets if item.calibration), None),
            "folder": str(folder.absolute()),
        }
        by_name = {str(target): target for target in job.targets}
        pending = dict(by_name)
        try:
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            pass  # the reading below tells why
        for line in process.stdout:
            reply = json.loads(line)
            if "end" in reply:
                return
            if "artifact" in reply:
                artifact = parse_record(reply["artifact"], Artifact, "export worker")
                name = f"{artifact.lowering}:{artifact.precision}"
                yield "artifact", pending.pop(name), (artifact, reply["fresh"])
            elif "failure" in reply:
                yield "failure", pending.pop(reply["target"]), _make_error(*reply["failure"])
            elif reply["step"] in by_name:
                yield "step", by_name[reply["step"]], None
        cause = EnvironmentFault(
            f"a converter ended its process {describe_end(process, self._log)}",
            "try another format; free memory if it was SIGKILL",
        )
        self._remove_scratch(process)
        self._process = None
        if not self._stopped:
            for target in pending.values():
                yield "failure", target, cause

    def stop(self) -> None:
        self._stopped = True
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
            self._remove_scratch(self._process)
        self._log.close()

    def _start(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            # one thread: sums that are split among threads round otherwise, and equal models would give other files
            quiet = {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "TQDM_DISABLE": "1"}
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pocketbench.workflow.export_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                text=True,
                env=os.environ | quiet,
            )
        return self._process

    def _remove_scratch(self, process: subprocess.Popen[str]) -> None:
        """What a killed worker could not remove itself."""
        if self._folder is not None:
            for scratch in self._folder.glob(f"{scratch_prefix(process.pid)}*"):
                shutil.rmtree(scratch, ignore_errors=True)


def _make_error(exit_code: int, what: str, cure: str) -> PocketbenchError:
    """The worker's error, by its exit code: its exact class stays in the worker."""
    return (UsageError if exit_code == UsageError.exit_code else EnvironmentFault)(what, cure)
