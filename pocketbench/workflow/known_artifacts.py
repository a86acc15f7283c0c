"""Model files that are known by their content: of stored results, and of the folder where exports go."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from pocketbench.core.errors import FileFault, UsageError
from pocketbench.core.jsonio import read_record
from pocketbench.core.model_files import SUFFIXES
from pocketbench.core.records import Artifact
from pocketbench.core.store import Store
from pocketbench.export.naming import record_path
from pocketbench.workflow.kept_artifacts import read_artifact

PREFIX = re.compile(r"[0-9a-f]{8,64}", re.IGNORECASE)
SHOWN, SHORT = 8, 10  # files and digits in a message


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
        return _find_record(read_artifact(path), store, folder)
    known = {artifact.sha256: artifact for artifact in _read_exported(folder)}
    stored = [sha256 for sha256 in store.read_values("artifact_sha256") if sha256 not in known]
    matching = [sha256 for sha256 in (*known, *stored) if sha256.startswith(text.lower())]
    if PREFIX.fullmatch(text) and len(matching) == 1:
        return known[matching[0]] if matching[0] in known else _read_stored(matching[0], store)
    shown = sorted(matching or [*known, *stored], key=lambda sha256: -_count_shared(sha256, text.lower()))[:SHOWN]
    digits = len(text) + SHORT if matching else SHORT
    names = [f"{sha[:digits]} {(known.get(sha) or _read_stored(sha, store)).file_name}" for sha in shown]
    listed = ", ".join(names) or "none"
    if not PREFIX.fullmatch(text):
        raise UsageError(
            f"--artifact is {text!r}, neither a model file nor the beginning of a sha256",
            f"give a path, or at least 8 of the digits; known: {listed}",
        )
    if matching:
        raise UsageError(f"{len(matching)} files have a sha256 that begins with {text}", f"give more digits: {listed}")
    raise UsageError(f"no known file has a sha256 that begins with {text}", f"give its path; known: {listed}")


def _find_record(found: Artifact, store: Store, folder: Path) -> Artifact:
    """What is known of the same content elsewhere, for a file that stands without its record."""
    if found.spec is not None:
        return found
    exported = [artifact for artifact in _read_exported(folder) if artifact.sha256 == found.sha256]
    stored = [result.artifact for result in store.read_results(artifact_sha256=found.sha256)]
    return next((artifact for artifact in (*exported, *stored) if artifact.spec is not None), found)


def _read_exported(folder: Path) -> list[Artifact]:
    """The records beside the model files of a folder; the files themselves are not read."""
    found = []
    for path in sorted(folder.glob("*")) if folder.is_dir() else []:
        if path.suffix.lower() in SUFFIXES.values() and record_path(path).exists():
            with contextlib.suppress(FileFault):  # a record of another version: export writes it anew
                found.append(read_record(record_path(path), Artifact))
    return found


def _count_shared(one: str, other: str) -> int:
    """How many digits two texts begin with alike."""
    return next((place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(other))


def _read_stored(sha256: str, store: Store) -> Artifact:
    return store.read_results(artifact_sha256=sha256, limit=1)[0].artifact
