"""Model files that are known by their content: of stored results, and of the folder where exports go."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path

from pocketbench.core.errors import FileFault, UsageError
from pocketbench.core.jsonio import read_record
from pocketbench.core.model_files import SUFFIXES
from pocketbench.core.records import Artifact
from pocketbench.core.store import Store
from pocketbench.export.naming import record_path
from pocketbench.workflow.kept_artifacts import read_artifact

PREFIX = re.compile(r"[0-9a-f]{8,64}", re.IGNORECASE)
SHOWN = 8


def find_artifact(text: str, store: Store, folder: Path) -> Artifact:
    """The model file that a user means: a path, or the first 8 or more digits of its sha256.

    Args:
        folder: where exported files stand.

    Raises:
        UsageError: for what is neither, or for digits that several files or none begin with.
        FileFault: when the path is no model file.
    """
    path = Path(text).expanduser()
    if path.exists() or path.suffix.lower() in SUFFIXES.values():
        return read_artifact(path)
    known = _list_shas(store, folder)
    if not PREFIX.fullmatch(text):
        raise UsageError(
            f"--artifact is {text!r}, neither a model file nor the beginning of a sha256",
            f"give a path, or at least 8 of the digits; known: {_list_known(known)}",
        )
    matching = {sha256: name for sha256, name in known.items() if sha256.startswith(text.lower())}
    if len(matching) != 1:
        seen = f"{len(matching)} files have" if matching else "no known file has"
        raise UsageError(
            f"{seen} a sha256 that begins with {text}",
            f"give more digits: {_list_known(matching, digits=len(text) + 8)}"
            if matching
            else f"give the path of the file; known: {_list_known(known)}",
        )
    return _read_known(next(iter(matching)), store, folder)


def _list_shas(store: Store, folder: Path) -> dict[str, str]:
    """The sha256 of every known file, with its name; those of the folder first."""
    found = {artifact.sha256: artifact.file_name for artifact in _read_exported(folder)}
    for sha256 in store.read_values("artifact_sha256"):
        found.setdefault(sha256, "")
    return found


def _read_exported(folder: Path) -> list[Artifact]:
    """The records beside the model files of a folder; the files themselves are not read."""
    found = []
    for path in sorted(folder.glob("*")) if folder.is_dir() else []:
        if path.suffix.lower() in SUFFIXES.values() and record_path(path).exists():
            with contextlib.suppress(FileFault):  # a record of another version: export writes it anew
                found.append(read_record(record_path(path), Artifact))
    return found


def _read_known(sha256: str, store: Store, folder: Path) -> Artifact:
    exported = [artifact for artifact in _read_exported(folder) if artifact.sha256 == sha256]
    stored = [result.artifact for result in store.read_results(artifact_sha256=sha256, limit=1)]
    return [*exported, *stored][0]


def _list_known(known: Mapping[str, str], digits: int = 12) -> str:
    """Some of the files, by the beginning of their sha256 and their name."""
    shown = [f"{sha256[:digits]} {name}".strip() for sha256, name in list(known.items())[:SHOWN]]
    if len(known) > SHOWN:
        shown.append(f"{len(known) - SHOWN} more")
    return ", ".join(shown) or "none"
