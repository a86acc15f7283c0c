"""The model files of a base commit: exported by its own code in a checkout of it, and kept for the next time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pocketbench.core.errors import EnvironmentFault
from pocketbench.core.model_files import open_folder
from pocketbench.core.records import Artifact
from pocketbench.workflow.gate.base_cache import (
    FinishedExport,
    keep_newest,
    link_known_files,
    name_entry,
    read_finished,
    remove_other_files,
    write_finished,
)
from pocketbench.workflow.gate.base_place import (
    BasePlace,
    find_base_suite,
    find_place,
    list_python_folders,
    list_user_packages,
    refuse_foreign_code,
)
from pocketbench.workflow.gate.base_process import (
    Complaint,
    ExportReply,
    SuiteListing,
    export_base_suite,
    list_base_suite,
)
from pocketbench.workflow.gate.worktree import open_worktree, resolve_commit
from pocketbench.workflow.suites import read_suite

Progress = Callable[[str], None]
"""Called with what is being done now, as a few words."""

KEEP_WEIGHTS = (
    "weights that git does not hold have no base: add them to git (git lfs), or export base where they are and "
    "compare folders: --base FOLDER"
)


UNTOLD = Complaint(what="no reason was given", cure="run pocketbench export in a checkout of that commit")


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseFailure:
    """A file of the base's suite that the base commit itself can't export.

    `file_name` is None when the commit's version does not say which file it meant; the reason does.
    """

    file_name: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseFiles:
    """What a base commit exports. `folder` holds the artifacts and no other model.

    `folder` is None when the commit has no such suite: then every model of head is new. `notes` are sentences that the
    user should read.
    """

    ref: str
    commit: str
    folder: Path | None
    artifacts: tuple[Artifact, ...]
    failures: tuple[BaseFailure, ...]
    notes: tuple[str, ...]


def export_base(
    ref: str,
    suite: str,
    head_folder: Path,
    cache: Path,
    on_progress: Progress | None = None,
) -> BaseFiles:
    """The files of the commit that `ref` names, of its own version of the suite.

    A commit that was exported completely with the same packages is not exported again. A model that head's export or
    another base has exported before is linked from there, not converted again.

    Args:
        suite: a name or a .toml file, as head's user wrote it.
        head_folder: the export folder of the working tree.
        cache: where the files of base commits are kept.

    Raises:
        UsageError: for a ref or a suite that does not exist, or models whose base can't be told from head.
        EnvironmentFault: when the commit can't be checked out, or its export breaks as a whole.
    """
    report = on_progress or _ignore_progress
    place = find_place(resolve_commit(ref, Path.cwd()), Path.cwd())
    packages = list_user_packages(read_suite(suite))
    base_suite = find_base_suite(suite, place)
    if base_suite is None:
        note = f"{ref} ({place.commit[:12]}) has no suite {suite}: every model is new"
        return BaseFiles(ref=ref, commit=place.commit, folder=None, artifacts=(), failures=(), notes=(note,))
    entry = name_entry(cache.absolute(), place, base_suite)
    finished = read_finished(entry)
    failures: tuple[BaseFailure, ...] = ()
    if finished is None:
        open_folder(entry)
        finished, failures = _export(ref, place, base_suite, packages, head_folder, entry, report)
    else:
        report(f"{ref} ({place.commit[:12]}) was exported before")
    keep_newest(cache.absolute(), entry)
    return BaseFiles(
        ref=ref,
        commit=place.commit,
        folder=entry,
        artifacts=finished.artifacts,
        failures=failures,
        notes=finished.notes,
    )


def _ignore_progress(text: str) -> None:
    pass


def _export(
    ref: str,
    place: BasePlace,
    suite: str,
    packages: list[str],
    head_folder: Path,
    entry: Path,
    report: Progress,
) -> tuple[FinishedExport, tuple[BaseFailure, ...]]:
    """Export in a worktree; what is complete and depends on git alone is marked as finished."""
    label = f"{ref} ({place.commit[:12]})"
    report(f"checking out {label}")
    with open_worktree(place.commit, place.repository) as worktree:
        inside = worktree / place.inner_folder
        inside.mkdir(parents=True, exist_ok=True)  # git keeps no folder that is empty, or untracked
        python_folders = list_python_folders(place, worktree, packages)
        listing = list_base_suite(suite, inside, python_folders, packages)
        notes = refuse_foreign_code(listing.origins, place, worktree) if listing is not None else []
        if (worktree / ".gitmodules").is_file():
            notes.append(f"{label} has submodules: they are not checked out, base is exported without them")
        linked = link_known_files(entry, entry.parent.parent, head_folder, listing.keys if listing else None)
        report(f"exporting {label}" + (f", {len(linked)} known before" if linked else ""))
        reply = export_base_suite(suite, inside, entry, python_folders)
        reproducible = listing is not None and _depends_on_git_alone(suite, listing, inside, worktree)
    if reply.artifacts is None:
        raise _explain(label, reply, worktree)
    finished = FinishedExport(commit=place.commit, suite=suite, artifacts=reply.artifacts, notes=tuple(notes))
    remove_other_files(entry, (artifact.file_name for artifact in reply.artifacts))
    failures = list_failures(listing, reply)
    if reply.exit_code == 0 and reproducible:
        write_finished(entry, finished)
    return finished, failures


def list_failures(listing: SuiteListing | None, reply: ExportReply) -> tuple[BaseFailure, ...]:
    """The files of the suite that were not exported, each with what `export` said about it.

    `export` says a cause once and names the first file that it cost: "NAME onnx:fp32 and 2 more: cause". A file that
    no complaint names has one of those that cost more than one.
    """
    if reply.exit_code == 0 or reply.artifacts is None:
        return ()
    exported = {artifact.file_name for artifact in reply.artifacts}
    if listing is None:
        return tuple(BaseFailure(file_name=None, reason=_join(complaint)) for complaint in reply.complaints)
    failures = []
    for name, label in listing.labels.items():
        if name in exported:
            continue
        named = [found for found in reply.complaints if found.what.startswith((f"{label}: ", f"{label} and "))]
        shared = [found for found in reply.complaints if " more: " in found.what]
        reasons = [_join(found) for found in named or shared or reply.complaints]
        failures.append(BaseFailure(file_name=name, reason=" or: ".join(reasons) or UNTOLD.what))
    return tuple(failures)


def _join(complaint: Complaint) -> str:
    return f"{complaint.what} ({complaint.cure})"


def _depends_on_git_alone(suite: str, listing: SuiteListing, inside: Path, worktree: Path) -> bool:
    """Whether the suite and its weights are all of the commit; what is not can change at any time."""
    files = [suite] if suite.endswith(".toml") else []
    return all((inside / file).resolve().is_relative_to(worktree) for file in (*files, *listing.checkpoints))


def _explain(label: str, reply: ExportReply, worktree: Path) -> EnvironmentFault:
    """Why a base export broke as a whole."""
    told = reply.complaints[0] if reply.complaints else UNTOLD
    what = told.what.replace(f"{worktree}/", "")
    cure = KEEP_WEIGHTS if "checkpoint" in what and "does not exist" in what else told.cure
    return EnvironmentFault(f"{label} can't be exported: {what}", cure)
