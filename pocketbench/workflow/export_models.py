"""Export many models on all cores; what is current is not exported again, what fails costs only itself."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pocketbench.core.errors import EnvironmentFault, PocketbenchError, UsageError
from pocketbench.core.jsonio import parse_record, to_plain
from pocketbench.core.model_files import open_folder
from pocketbench.core.records import Artifact, ModelSpec
from pocketbench.core.targets import FormatTarget
from pocketbench.workflow.cache_keys import make_static_key
from pocketbench.workflow.kept_artifacts import find_current_artifact

WORKER_MEMORY_BYTES = 3 * 2**30
"""What one worker needs at its peak: three converters and a MobileNet (measured: 2.2 GB)."""

Variant = tuple[ModelSpec, FormatTarget]
Progress = Callable[[Variant, str], None]
"""Called with a variant and what happens to it: "current", "exporting", "exported", "failed". From any thread."""


@dataclass(kw_only=True)
class ExportOutcome:
    """What came of the variants; `artifacts` are in their order, without those that failed."""

    artifacts: list[Artifact] = field(default_factory=list)
    exported_count: int = 0
    failures: list[tuple[Variant, PocketbenchError]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportJob:
    """One model and the targets that one worker exports it to, building it once."""

    spec: ModelSpec
    targets: tuple[FormatTarget, ...]


def export_models(variants: Sequence[Variant], folder: Path, on_progress: Progress | None = None) -> ExportOutcome:
    """Bring every variant into `folder`, verified. Needs no torch in this process.

    Raises:
        UsageError: for a name that no registry knows.
        FileFault: when the folder can't be written.
    """
    report = on_progress or _ignore_progress
    open_folder(folder)
    found: dict[Variant, Artifact] = {}
    outcome = ExportOutcome()
    waiting: list[Variant] = []
    for variant in dict.fromkeys(variants):
        current = find_current_artifact(*variant, folder, make_static_key(*variant))
        if current is None:
            waiting.append(variant)
        else:
            found[variant] = current
            report(variant, "current")
    if waiting:
        _run_jobs(waiting, folder, report, found, outcome)
    outcome.artifacts = [found[variant] for variant in dict.fromkeys(variants) if variant in found]
    outcome.failures.sort(key=lambda failure: variants.index(failure[0]))
    return outcome


def _ignore_progress(variant: Variant, state: str) -> None:
    pass


def plan_jobs(variants: Iterable[Variant], worker_count: int) -> list[ExportJob]:
    """Group by model, since building and tracing is shared work; but with fewer models than would keep all workers
    busy, TFLite, by far the slowest conversion, gets a job of its own."""
    targets: dict[ModelSpec, list[FormatTarget]] = {}
    for spec, target in variants:
        targets.setdefault(spec, []).append(target)
    jobs = []
    for spec, group in targets.items():
        slow = [target for target in group if target.format == "tflite"]
        rest = [target for target in group if target.format != "tflite"]
        if slow and rest and len(targets) < worker_count * 2:
            jobs += [ExportJob(spec=spec, targets=tuple(slow)), ExportJob(spec=spec, targets=tuple(rest))]
        else:
            jobs.append(ExportJob(spec=spec, targets=tuple(group)))
    return jobs


def count_workers() -> int:
    """As many as there are cores, if the free memory holds them."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):  # macOS has no such name
        return cores
    return max(1, min(cores, free // WORKER_MEMORY_BYTES))


def _run_jobs(
    variants: list[Variant], folder: Path, report: Progress, found: dict[Variant, Artifact], outcome: ExportOutcome
) -> None:
    workers = count_workers()
    jobs = plan_jobs(variants, workers)
    workers = min(workers, len(jobs))
    idle: queue.SimpleQueue[ExportProcess] = queue.SimpleQueue()
    processes = [ExportProcess() for _ in range(workers)]
    for process in processes:
        idle.put(process)
    guard = threading.Lock()

    def run(job: ExportJob) -> None:
        process = idle.get()
        try:
            for kind, target, value in process.export(job, folder):
                variant = (job.spec, target)
                with guard:
                    if kind == "artifact":
                        artifact, fresh = value
                        found[variant] = artifact
                        outcome.exported_count += fresh
                        report(variant, "exported" if fresh else "current")
                    elif kind == "failure":
                        outcome.failures.append((variant, value))
                        report(variant, "failed")
                    else:
                        report(variant, "exporting")
        finally:
            idle.put(process)

    pool = ThreadPoolExecutor(workers)
    try:
        futures: set[Future[None]] = {pool.submit(run, job) for job in jobs}
        while futures:  # short waits: a thread's wait can't be interrupted by Ctrl-C on every platform
            done, futures = wait(futures, timeout=0.2, return_when=FIRST_COMPLETED)
            for future in done:
                future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.stop()
        pool.shutdown(wait=True)


class ExportProcess:
    """A worker process (export_worker.py) that is started when needed, and again after a crash."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed in stop)
        self._stopped = False

    def export(self, job: ExportJob, folder: Path) -> Iterable[tuple[str, FormatTarget, Any]]:
        """Yields ("step", target, None), ("artifact", target, (record, fresh)), ("failure", target, error)."""
        process = self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        request = {
            "spec": to_plain(job.spec),
            "targets": [str(target) for target in job.targets],
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
                name = f"{artifact.format}:{artifact.precision}"
                yield "artifact", pending.pop(name), (artifact, reply["fresh"])
            elif "failure" in reply:
                yield "failure", pending.pop(reply["target"]), _make_error(*reply["failure"])
            elif reply["step"] in by_name:
                yield "step", by_name[reply["step"]], None
        cause = self._explain_end(process)
        self._process = None
        if not self._stopped:
            for target in pending.values():
                yield "failure", target, cause

    def stop(self) -> None:
        self._stopped = True
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
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

    def _explain_end(self, process: subprocess.Popen[str]) -> PocketbenchError:
        code = process.wait()
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        tail = ""
        if not self._log.closed:
            self._log.seek(0, os.SEEK_END)
            self._log.seek(max(0, self._log.tell() - 300))
            tail = self._log.read().decode("utf-8", "replace")
        return EnvironmentFault(
            f"a converter ended its process {how}: ...{tail}", "try another format; free memory if it was SIGKILL"
        )


def _make_error(exit_code: int, what: str, cure: str) -> PocketbenchError:
    """The worker's error, by its exit code: its exact class stays in the worker."""
    return (UsageError if exit_code == UsageError.exit_code else EnvironmentFault)(what, cure)
