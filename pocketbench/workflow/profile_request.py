"""What a user asked to measure, as cells: the files of a suite, or any files with an engine."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from pocketbench.core.errors import UsageError
from pocketbench.core.records import Artifact, RunPlan
from pocketbench.profile.cell import Cell
from pocketbench.workflow.export_models import ExportOutcome, Progress, Variant, export_models
from pocketbench.workflow.kept_artifacts import read_artifact
from pocketbench.workflow.model_request import list_suite_variants
from pocketbench.workflow.profile_models import choose_engines, list_cells
from pocketbench.workflow.suites import read_suite

MAX_THREADS = 1024


def list_suite_cells(
    suite: str, folder: Path, watch: Callable[[Sequence[Variant]], AbstractContextManager[Progress]]
) -> tuple[list[Cell], ExportOutcome]:
    """The cells of a suite, and how its export went: its files are brought up to date in `folder` first.

    A model that can't be exported has no cells, and stands in the outcome's failures.

    Args:
        watch: shows the progress of the exports.

    Raises:
        SuiteError, UsageError: for a suite that breaks the rules.
        FileFault: when the folder can't be written.
    """
    found = read_suite(suite)
    if set(found.devices) != {"host"}:
        raise UsageError(f"suite {found.name} runs on {', '.join(found.devices)}", "this version measures on host only")
    variants = list_suite_variants(found)
    with watch(variants) as on_progress:
        outcome = export_models(variants, folder, on_progress)
    artifacts = [(artifact, folder / artifact.file_name) for artifact in outcome.artifacts]
    return list_cells(artifacts, found.list_plans()), outcome


def list_file_cells(
    paths: Sequence[Path],
    *,
    engines: str | None = None,
    threads: str | None = None,
    shapes: Sequence[str] = (),
    session_count: int | None = None,
    round_count: int | None = None,
) -> list[Cell]:
    """The cells of model files of anybody.

    Args:
        engines: "litert" or "litert,onnxruntime"; None takes the one that fits each file.
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
            engine=engine,
            thread_count=thread_count,
            shapes=parse_shapes(shapes),
            session_count=usual.session_count if session_count is None else session_count,
            round_count=usual.round_count if round_count is None else round_count,
        )
        for engine in (engines.split(",") if engines else choose_engines([artifact for artifact, _ in artifacts]))
        for thread_count in parse_thread_counts(threads or "1")
    ]
    cells = list_cells(artifacts, plans)
    check_no_file_is_left(artifacts, cells)
    return cells


def check_no_file_is_left(artifacts: Sequence[tuple[Artifact, Path]], cells: Sequence[Cell]) -> None:
    """Raises: UsageError for a file that none of the engines runs."""
    measured = {cell.path for cell in cells}
    for _, path in artifacts:
        if path not in measured:
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
