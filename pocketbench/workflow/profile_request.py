"""What a user asked to measure: the files of a suite, or any files, with the plans to measure them by."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from pocketbench.core.errors import UsageError
from pocketbench.core.model_files import SUFFIXES
from pocketbench.core.records import RunPlan
from pocketbench.profile.catalog import EngineChoice, engine_suffixes, parse_engine
from pocketbench.profile.device_entry import HOST_ENTRY
from pocketbench.workflow.device_cells import ArtifactFiles
from pocketbench.workflow.export_models import ExportOutcome, Progress, Variant, export_models
from pocketbench.workflow.kept_artifacts import read_artifact
from pocketbench.workflow.model_request import list_suite_variants
from pocketbench.workflow.trained_weights import read_trained_suite

MAX_THREADS = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRequest:
    """Files, the plans to measure them by (an empty engine: the first that a device has for a file), and where.

    `exports` is how the suite's export went; a model that can't be exported stands in its failures.
    """

    artifacts: ArtifactFiles
    plans: Sequence[RunPlan]
    device_names: tuple[str, ...] = (HOST_ENTRY.name,)
    exports: ExportOutcome = field(default_factory=ExportOutcome)


def request_suite(
    suite: str, folder: Path, watch: Callable[[Sequence[Variant]], AbstractContextManager[Progress]]
) -> ProfileRequest:
    """The files of a suite by its plans, on its devices; they are brought up to date in `folder` first.

    Args:
        watch: shows the progress of the exports.

    Raises:
        SuiteError, UsageError: for a suite that breaks the rules.
        FileFault: when the folder can't be written.
    """
    found = read_trained_suite(suite)
    variants = list_suite_variants(found)
    with watch(variants) as on_progress:
        outcome = export_models(variants, folder, on_progress)
    artifacts = [(artifact, folder / artifact.file_name) for artifact in outcome.artifacts]
    plans = found.list_plans()
    check_every_engine_has_files(artifacts, plans)
    return ProfileRequest(artifacts=artifacts, plans=plans, device_names=found.devices, exports=outcome)


def request_files(
    paths: Sequence[Path],
    *,
    engines: str | None = None,
    threads: str | None = None,
    shapes: Sequence[str] = (),
    session_count: int | None = None,
    round_count: int | None = None,
) -> ProfileRequest:
    """Model files of anybody.

    Args:
        engines: "litert", "litert,onnxruntime" or "coreml:cpu_and_ne"; None takes the one that fits each file
            on a device.
        threads: "1" or "1,4".
        shapes: "name=1,3,224,224", for inputs that the file leaves open.

    Raises:
        UsageError: for a file that no engine of these runs, or an option that makes no sense.
        FileFault: when a file can't be read.
    """
    artifacts = [(read_artifact(path), path) for path in dict.fromkeys(paths)]
    usual = RunPlan(engine="")
    plans = [
        RunPlan(
            engine=choice.engine,
            delegate=choice.delegate,
            thread_count=thread_count,
            shapes=parse_shapes(shapes),
            session_count=usual.session_count if session_count is None else session_count,
            round_count=usual.round_count if round_count is None else round_count,
        )
        for choice in ([parse_engine(text.strip()) for text in engines.split(",")] if engines else [EngineChoice("")])
        for thread_count in parse_thread_counts(threads or "1")
    ]
    if engines:
        check_every_engine_has_files(artifacts, plans)
        check_no_file_is_left(artifacts, plans)
    return ProfileRequest(artifacts=artifacts, plans=plans)


def check_every_engine_has_files(artifacts: ArtifactFiles, plans: Sequence[RunPlan]) -> None:
    """Raises: UsageError for an engine that runs none of the files, or does not exist."""
    suffixes = {SUFFIXES[artifact.format] for artifact, _ in artifacts}
    for plan in plans:
        runs = engine_suffixes(plan.engine)
        if artifacts and not suffixes.intersection(runs):
            raise UsageError(
                f"{plan.engine} runs {', '.join(runs)} files, and none was given",
                "choose another --engine or other files",
            )


def check_no_file_is_left(artifacts: ArtifactFiles, plans: Sequence[RunPlan]) -> None:
    """Raises: UsageError for a file that none of the engines runs."""
    runs = {suffix for plan in plans for suffix in engine_suffixes(plan.engine)}
    for artifact, path in artifacts:
        if SUFFIXES[artifact.format] not in runs:
            raise UsageError(f"none of the chosen engines runs {path}", "leave --engine out, or leave the file out")


def parse_thread_counts(text: str) -> list[int]:
    """ "1,4" as [1, 4]. Raises: UsageError."""
    counts = []
    for part in text.split(","):
        if not re.fullmatch(r"\d{1,4}", part.strip()) or not 1 <= int(part) <= MAX_THREADS:
            raise UsageError(f"{text!r} are no thread counts", "write --threads 1, or --threads 1,2,4")
        counts.append(int(part))
    return list(dict.fromkeys(counts))


def parse_shapes(texts: Sequence[str]) -> dict[str, tuple[int, ...]] | None:
    """["image=1,3,224,224"] by name; None for none. Raises: UsageError."""
    shapes = {}
    for text in texts:
        name, equals, sizes = text.rpartition("=")
        if not equals or not name or not re.fullmatch(r"\d{1,9}(,\d{1,9})*", sizes) or 0 in map(int, sizes.split(",")):
            raise UsageError(f"{text!r} is no shape", "write --shape name=1,3,224,224")
        shapes[name] = tuple(map(int, sizes.split(",")))
    return shapes or None
