"""What a user asked to judge: files, each with how its pictures are prepared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from pocketbench.accuracy.recipe import Framing
from pocketbench.core.errors import FileFault, UsageError
from pocketbench.core.jsonio import read_record
from pocketbench.core.records import Artifact, Preprocessing
from pocketbench.export.naming import record_path
from pocketbench.workflow.accuracy_framing import EXAMPLE
from pocketbench.workflow.export_models import ExportOutcome, Progress, Variant, export_models
from pocketbench.workflow.kept_artifacts import read_artifact
from pocketbench.workflow.model_request import list_suite_variants
from pocketbench.workflow.trained_weights import read_trained_suite

INTERPRETED_LIMIT = 200
"""Pictures that an .mlpackage is judged by when nobody says: its interpreter takes up to a second for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyRequest:
    """One file. Its pictures are prepared by its record, else by `framing` in the file's own size. `limit` None: all
    pictures."""

    path: Path
    artifact: Artifact
    framing: Framing | None
    limit: int | None

    @property
    def preprocessing(self) -> Preprocessing | None:
        return self.artifact.spec.preprocessing if self.artifact.spec is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyPlan:
    """What can be judged, and the files that can't, with the reason."""

    requests: list[AccuracyRequest]
    refusals: list[tuple[Path, UsageError | FileFault]]


def request_files(paths: Sequence[Path], framing: Framing | None, limit: int | None) -> AccuracyPlan:
    """Model files of anybody.

    Raises: UsageError when the options say how pictures are prepared, and no file needs it.
    """
    plan = AccuracyPlan(requests=[], refusals=[])
    for path in dict.fromkeys(paths):
        try:
            plan.requests.append(make_request(path, framing, limit))
        except (UsageError, FileFault) as error:
            plan.refusals.append((path, error))
    if framing is not None and plan.requests and all(request.preprocessing for request in plan.requests):
        raise UsageError(
            "--mean and the options beside it are for files without a record, and each of these has one",
            "leave them out",
        )
    return plan


def request_suite(
    suite: str, folder: Path, limit: int | None, watch: Callable[[Sequence[Variant]], AbstractContextManager[Progress]]
) -> tuple[AccuracyPlan, ExportOutcome]:
    """The files of a suite; they are brought up to date in `folder` first.

    Raises:
        SuiteError, UsageError: for a suite that breaks the rules.
        FileFault: when the folder can't be written.
    """
    variants = list_suite_variants(read_trained_suite(suite))
    with watch(variants) as on_progress:
        outcome = export_models(variants, folder, on_progress)
    return request_files([folder / artifact.file_name for artifact in outcome.artifacts], None, limit), outcome


def make_request(path: Path, framing: Framing | None, limit: int | None) -> AccuracyRequest:
    """Raises: FileFault or UsageError when it is no model file, or nothing says how its pictures are prepared."""
    artifact = read_own_artifact(path)
    known = artifact.spec.preprocessing if artifact.spec is not None else None
    if known is None and framing is None:
        if artifact.spec is not None and artifact.spec.weights == "random":
            raise UsageError(
                "its weights are random, which no pictures can judge",
                "train them and export with --checkpoint FILE: docs/training.md",
            )
        raise UsageError("nothing says how its pictures are prepared", f"say it, for example {EXAMPLE}")
    if limit is None and artifact.format == "coreml":
        limit = INTERPRETED_LIMIT
    return AccuracyRequest(path=path, artifact=artifact, framing=None if known is not None else framing, limit=limit)


def read_own_artifact(path: Path) -> Artifact:
    """As `read_artifact`. Raises: FileFault, too, when the record beside the file is of another file."""
    artifact = read_artifact(path)
    beside = record_path(path)
    if beside.exists() and read_record(beside, Artifact).sha256 != artifact.sha256:
        raise FileFault(
            f"it was changed or exported again after its record {beside.name} was written: it is not the file that was"
            " verified",
            f"export it again; or remove {beside.name} if the file is not ours",
        )
    return artifact
