"""The report of a suite: its files, their newest runs on every device, the accuracies that are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pocketbench.accuracy.published import find_published_latencies, read_published, why_missing
from pocketbench.core.errors import FileFault
from pocketbench.core.garbage import paused_collection
from pocketbench.core.records import Artifact, RunResult
from pocketbench.core.store import Store
from pocketbench.export.naming import name_artifact
from pocketbench.profile.host_runner import HostRunner
from pocketbench.reports.records import Table
from pocketbench.reports.table import make_table
from pocketbench.workflow.cache_keys import make_static_key
from pocketbench.workflow.device_cells import fit_cells
from pocketbench.workflow.export_models import Variant
from pocketbench.workflow.kept_artifacts import find_current_artifact, read_artifact
from pocketbench.workflow.model_request import list_suite_variants
from pocketbench.workflow.profile_models import make_run_key
from pocketbench.workflow.suites import Suite
from pocketbench.workflow.trained_weights import read_trained_accuracies, read_trained_suite


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteReport:
    """The table, and the files of the suite that it lacks: not exported, or made from other sources."""

    table: Table
    missing: list[Variant]


def make_suite_report(suite_name: str, folder: Path, store: Store, *, dataset: str | None = None) -> SuiteReport:
    """The table of a suite, from what stands in `folder` and in the store; nothing is exported or measured.

    Args:
        dataset: the data set whose top-1 is shown; None when all was measured on one.

    Raises:
        MixedDataError: when accuracies were measured on several data sets and `dataset` is None.
        SuiteError, UnknownNameError: for a suite that breaks the rules or does not exist.
        FileFault: when none of the suite's files is current.
    """
    suite = read_trained_suite(suite_name)
    artifacts, missing = find_suite_artifacts(suite, folder)
    if not artifacts:
        raise FileFault(
            f"no file of suite {suite.name} in {folder} is current", f"pocketbench export --suite {suite.name}"
        )
    measured = store.read_accuracies([artifact.sha256 for artifact in artifacts])
    with paused_collection():
        table = make_table(
            artifacts,
            read_newest_runs(suite, artifacts, folder, store),
            [*measured, *read_published()],
            title=suite.title,
            explain_missing=why_missing,
            trained=read_trained_accuracies(suite),
            dataset=dataset,
        )
    latencies = find_published_latencies([artifact.spec for artifact in artifacts if artifact.spec is not None])
    return SuiteReport(table=replace(table, published_latencies=latencies, suite=suite_name), missing=missing)


def find_suite_artifacts(suite: Suite, folder: Path) -> tuple[list[Artifact], list[Variant]]:
    """The suite's files in `folder` that are current, and the variants that have none."""
    artifacts, missing = [], []
    for spec, target in list_suite_variants(suite):
        key = make_static_key(spec, target)
        path = folder / name_artifact(spec, target)
        if key is not None:
            found = find_current_artifact(spec, target, folder, key)
        else:  # only building a function's model tells whether its file is current: take what was exported last
            found = read_artifact(path) if path.exists() else None
        if found is None:
            missing.append((spec, target))
        else:
            artifacts.append(found)
    return artifacts, missing


def read_newest_runs(suite: Suite, artifacts: Sequence[Artifact], folder: Path, store: Store) -> list[RunResult]:
    """The results of these very files: of their newest run by this plan on this machine, of the newest run that had one
    of them on each other device, and what was imported for them."""
    runner = HostRunner()
    device = runner.read_device()
    known = {artifact.sha256 for artifact in artifacts}
    found = store.list_runs(known)
    results = []
    if any(run.device_id == device.device_id for run in found):
        files = [(artifact, folder / artifact.file_name) for artifact in artifacts]
        cells, _ = fit_cells(files, suite.list_plans(), runner, device)
        progress = store.read_progress(make_run_key(cells, device))
        results = [] if progress is None else store.read_results(run_id=progress.run_id)
    seen = {device.device_id}
    newest = []
    for run in found:
        if run.device_id not in seen:
            newest.append(run)
        if not run.is_imported:
            seen.add(run.device_id)
    results += [result for result in store.stream_runs(newest) if result.artifact.sha256 in known]
    return results
