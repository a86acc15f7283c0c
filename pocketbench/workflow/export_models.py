"""Export many models on all cores; what is current is not exported again, what fails costs only itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pocketbench.core.errors import PocketbenchError
from pocketbench.core.model_files import open_folder
from pocketbench.core.records import Artifact, ModelSpec
from pocketbench.core.targets import FormatTarget
from pocketbench.workflow.cache_keys import make_static_key
from pocketbench.workflow.export_process import ExportJob, ExportProcess
from pocketbench.workflow.kept_artifacts import find_current_artifact
from pocketbench.workflow.worker_count import count_workers
from pocketbench.workflow.worker_pool import run_on_processes

WORKER_MEMORY_BYTES = 3 * 2**30
"""Kept free for each worker. Three converters and MobileNetV2 with CA peak at 0.9 GB; larger networks need more."""

Variant = tuple[ModelSpec, FormatTarget]
Progress = Callable[[Variant, str], None]
"""Called with a variant and what happens to it: "current", "exporting", "exported", "failed". From any thread."""


@dataclass(kw_only=True)
class ExportOutcome:
    """What came of the variants; `artifacts` are in their order, without those that failed."""

    artifacts: list[Artifact] = field(default_factory=list)
    exported_count: int = 0
    failures: list[tuple[Variant, PocketbenchError]] = field(default_factory=list)


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


def _run_jobs(
    variants: list[Variant], folder: Path, report: Progress, found: dict[Variant, Artifact], outcome: ExportOutcome
) -> None:
    workers = count_workers(WORKER_MEMORY_BYTES)
    jobs = plan_jobs(variants, workers)
    guard = threading.Lock()

    def work(process: ExportProcess, job: ExportJob) -> None:
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

    run_on_processes([ExportProcess() for _ in range(min(workers, len(jobs)))], jobs, work)
