"""From what a user names to a request: two folders, a base commit, or two files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from pocketbench.core.errors import FileFault, UsageError
from pocketbench.core.model_files import detect_format
from pocketbench.core.records import Artifact
from pocketbench.export.naming import name_artifact
from pocketbench.profile.session import read_git_commit
from pocketbench.workflow.export_models import Progress, Variant, export_models
from pocketbench.workflow.gate.base_ref import export_base
from pocketbench.workflow.gate.facts import complete_artifact
from pocketbench.workflow.gate.limits import GateTable
from pocketbench.workflow.gate.model_folder import read_base_folder, read_folder
from pocketbench.workflow.gate.pairing import Pair, pair_files
from pocketbench.workflow.gate.plans import check_choices, list_plans
from pocketbench.workflow.gate.request import GateRequest
from pocketbench.workflow.gate.worktree import resolve_commit
from pocketbench.workflow.model_request import list_suite_variants
from pocketbench.workflow.trained_weights import read_trained_suite

Watch = Callable[[Sequence[Variant]], AbstractContextManager[Progress]]


def compare_folders(
    base: Path, head: Path, *, suite: str | None, engines: str | None, threads: str | None, base_python: Path | None
) -> GateRequest:
    """Two folders of model files. A suite adds its limits, and its engines and threads where none are given. A file of
    head that is damaged has failed.

    Raises: UsageError, SuiteError, FileFault.
    """
    found = read_trained_suite(suite) if suite is not None else None
    check_choices(engines, threads, base_python)
    base_files = [(complete_facts(artifact, path), path) for artifact, path in read_base_folder(base)]
    head_files, damaged = [], {}
    for artifact, path in read_folder(head):
        try:
            head_files.append((complete_facts(artifact, path), path))
        except FileFault as fault:  # it costs its own cell
            damaged[path.name] = str(fault)
    pairs = pair_files(
        [artifact for artifact, _ in base_files],
        [artifact for artifact, _ in head_files],
        head_failures=damaged,
        failed="has no sound file",
    )
    return GateRequest(
        base=str(base) if base_python is None else f"{base}, run by {base_python}",
        head=str(head),
        pairs=tuple(pairs),
        base_paths={path.name: path for _, path in base_files},
        head_paths={path.name: path for _, path in head_files},
        plans=list_plans([artifact for artifact, _ in head_files], found, engines, threads),
        limits=found.gate if found is not None else GateTable(),
        base_python=base_python,
    )


def compare_with_commit(
    ref: str,
    *,
    suite: str,
    folder: Path,
    cache: Path,
    watch: Watch,
    on_step: Callable[[str], None],
    on_note: Callable[[str], None],
    engines: str | None,
    threads: str | None,
) -> GateRequest:
    """The models of a suite as they are here, against those of a commit, each exported by its own code.

    Args:
        folder: where head's files are brought up to date.
        cache: where the files of base commits are kept.
        on_step: is told what is being done with the commit.
        on_note: is told what the user should read.

    Raises: UsageError, SuiteError, FileFault, EnvironmentFault.
    """
    found = read_trained_suite(suite)
    check_choices(engines, threads, None)
    resolve_commit(ref, Path.cwd())  # before minutes of export
    variants = list_suite_variants(found)
    with watch(variants) as on_progress:
        outcome = export_models(variants, folder, on_progress)
    base = export_base(ref, suite, folder, cache, on_step)
    unnamed = [failure.reason for failure in base.failures if failure.file_name is None]
    for note in (*base.notes, *unnamed):
        on_note(note)
    # what base lacks may be new, or the file that base could not export: nobody knows, so it does not pass
    doubtful = {artifact.file_name: " or: ".join(unnamed) for artifact in outcome.artifacts if unnamed}
    pairs = pair_files(
        base.artifacts,
        outcome.artifacts,
        base_failures=doubtful | {failure.file_name: failure.reason for failure in base.failures if failure.file_name},
        head_failures={name_artifact(*variant): str(error) for variant, error in outcome.failures},
    )
    return GateRequest(
        base=ref,
        head="the working tree",
        pairs=tuple(pairs),
        base_paths={artifact.file_name: (base.folder or folder) / artifact.file_name for artifact in base.artifacts},
        head_paths={artifact.file_name: folder / artifact.file_name for artifact in outcome.artifacts},
        plans=list_plans(outcome.artifacts, found, engines, threads),
        limits=found.gate,
        base_commit=base.commit,
        head_commit=read_git_commit(),
    )


def compare_environments(
    base_python: Path, *, suite: str, folder: Path, watch: Watch, engines: str | None, threads: str | None
) -> GateRequest:
    """The models of a suite, in another environment and in this one.

    Raises: UsageError, SuiteError, FileFault.
    """
    found = read_trained_suite(suite)
    check_choices(engines, threads, base_python)
    variants = list_suite_variants(found)
    with watch(variants) as on_progress:
        outcome = export_models(variants, folder, on_progress)
    paths = {artifact.file_name: folder / artifact.file_name for artifact in outcome.artifacts}
    failures = {name_artifact(*variant): str(error) for variant, error in outcome.failures}
    return GateRequest(
        base=str(base_python),
        head="this environment",
        pairs=tuple(pair_files(outcome.artifacts, outcome.artifacts, head_failures=failures)),
        base_paths=paths,
        head_paths=paths,
        plans=list_plans(outcome.artifacts, found, engines, threads),
        limits=found.gate,
        base_python=base_python,
        head_commit=read_git_commit(),
    )


def compare_files(base: Path, head: Path, *, engines: str | None, threads: str | None) -> GateRequest:
    """Any two files of one format, whatever wrote them: converters, forms of blocks and proofs may differ.

    Raises: UsageError, FileFault.
    """
    check_choices(engines, threads, None)
    formats = [detect_format(path) for path in (base, head)]
    if formats[0] != formats[1]:
        raise UsageError(
            f"{base} is of format {formats[0]}, {head} of {formats[1]}: no engine runs both",
            f"pocketbench profile {base} {head} measures each by itself",
        )
    sides = [
        replace(complete_facts(artifact, path), precision=None, lowering=None, parity=None)
        for artifact, path in ((complete_artifact(base), base), (complete_artifact(head), head))
    ]
    state = "same" if sides[0].sha256 == sides[1].sha256 else "both"
    return GateRequest(
        base=str(base),
        head=str(head),
        pairs=(Pair(file_name=head.name, state=state, base=sides[0], head=sides[1]),),
        base_paths={head.name: base},
        head_paths={head.name: head},
        plans=list_plans(sides[1:], None, engines, threads),
        same_tools=False,
    )


def complete_facts(artifact: Artifact, path: Path) -> Artifact:
    """Somebody else's file with the facts that it shows itself. Raises: FileFault."""
    return complete_artifact(path) if artifact.graph_facts is None else artifact
