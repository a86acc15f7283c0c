"""The files of base commits that were exported before: CACHE/COMMIT/KEY; the key is all else that decides them."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pocketbench.core.errors import FileFault
from pocketbench.core.jsonio import read_record, write_record
from pocketbench.core.model_files import SUFFIXES, hash_model_file
from pocketbench.core.records import Artifact
from pocketbench.export.naming import record_path
from pocketbench.workflow.gate.base_place import PACKAGE, BasePlace

KEPT_COMMITS = 5
"""The commits used last stay in the cache; older ones are deleted."""

MARKER = "finished-export.json"
"""Written last: a folder that has it needs no export again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedExport:
    """What a complete export of a commit's suite left in its folder; `notes` are sentences for the user."""

    commit: str
    suite: str
    artifacts: tuple[Artifact, ...]
    notes: tuple[str, ...]


def name_entry(cache: Path, place: BasePlace, suite: str) -> Path:
    """The folder of a commit's suite, exported with what is installed now.

    A user's function can use any package: all of them are in the key, and Python. pocketbench itself counts by its
    sources (it may be an editable install), unless the commit brings its own.
    """
    parts = {
        "suite": suite,
        "folder": place.inner_folder.as_posix(),
        "packages": _list_packages(),
        "python": sys.version,
        "machine": (sys.platform, platform.machine()),
        "pocketbench": None if place.holds_pocketbench else _hash_package(),
    }
    return cache / place.commit / hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def read_finished(entry: Path) -> FinishedExport | None:
    """What stands in the folder, when its export was complete and every file is still as it was."""
    try:
        found = read_record(entry / MARKER, FinishedExport)
        whole = all(hash_model_file(entry / artifact.file_name) == artifact.sha256 for artifact in found.artifacts)
    except FileFault:  # none, of another version, or damaged
        return None
    return found if whole else None


def write_finished(entry: Path, finished: FinishedExport) -> None:
    """Raises: FileFault when the folder can't be written."""
    write_record(entry / MARKER, finished)


def link_known_files(
    entry: Path, cache: Path, head_folder: Path, keys: Mapping[str, str | None] | None
) -> dict[str, Path]:
    """Put files that were exported before into a folder, so that an export finds them current; returns what from where.

    Hard links cost no space. Nobody writes into a model file: an export replaces it by another one.

    Args:
        keys: file name -> the key under which the file would be current. With None (of a user's function only its
            graph tells) head's file is taken, else the newest. Without keys at all every file is taken so.
    """
    entry.mkdir(parents=True, exist_ok=True)
    linked: dict[str, Path] = {}
    for folder in [head_folder, *_list_entries(cache)]:
        if folder == entry:
            continue
        for path in list_model_paths(folder):
            name = path.name
            if name in linked or (keys is not None and name not in keys):
                continue
            wanted, key = keys[name] if keys is not None else None, _read_key(path)
            if key is None or wanted not in (None, key) or _read_key(entry / name) is not None:
                continue  # no model of ours, another one, or an earlier run left one
            with contextlib.suppress(OSError):  # then it is exported
                _remove_model(entry / name)
                _link_model(path, entry / name)
                linked[name] = path
    return linked


def remove_other_files(entry: Path, kept: Iterable[str]) -> None:
    """Delete the models that were linked and are not the commit's."""
    names = set(kept)
    for path in list_model_paths(entry):
        if path.name not in names:
            _remove_model(path)


def keep_newest(cache: Path, used: Path) -> None:
    """Mark the entry that is used now; of the commits used longest ago only KEPT_COMMITS stay."""
    with contextlib.suppress(OSError):
        os.utime(used)
        os.utime(used.parent)
    for commit in _list_commits(cache)[KEPT_COMMITS:]:
        shutil.rmtree(commit, ignore_errors=True)


def list_model_paths(folder: Path) -> list[Path]:
    """The model files of a folder, by name; none where there is no folder."""
    if not folder.is_dir():
        return []
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES.values() and not path.name.startswith(".")
    )


def _list_commits(cache: Path) -> list[Path]:
    """The cached commits, the one used last first. Nothing else in the folder is ours."""
    if not cache.is_dir():
        return []
    commits = [path for path in cache.iterdir() if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", path.name)]
    return sorted(commits, key=_read_time, reverse=True)


def _list_entries(cache: Path) -> list[Path]:
    """The exported suites of all cached commits, the one used last first."""
    entries = [path for commit in _list_commits(cache) for path in commit.glob("*") if path.is_dir()]
    return sorted(entries, key=_read_time, reverse=True)


def _read_time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # deleted by a run beside this one
        return 0.0


def _read_key(model: Path) -> str | None:
    try:
        return read_record(record_path(model), Artifact).cache_key
    except FileFault:
        return None


def _link_model(source: Path, target: Path) -> None:
    """The record last: without it a half-linked model counts as none."""
    if source.is_dir():
        shutil.copytree(source, target, copy_function=_link_file)
    else:
        _link_file(str(source.resolve()), str(target))
    _link_file(str(record_path(source)), str(record_path(target)))


def _link_file(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except FileExistsError:  # a run beside this one was first; a copy would write into its file
        raise
    except OSError:  # another file system, or one without hard links
        shutil.copy2(source, target)


def _remove_model(model: Path) -> None:
    record_path(model).unlink(missing_ok=True)
    if model.is_dir() and not model.is_symlink():
        shutil.rmtree(model, ignore_errors=True)
    else:
        model.unlink(missing_ok=True)


def _list_packages() -> list[list[str]]:
    """Name and version of all that is installed."""
    read = (found.metadata for found in importlib.metadata.distributions())  # once: each access parses the file
    return sorted([str(found["Name"]), str(found["Version"])] for found in read)


def _hash_package() -> str:
    """The sources of the installed pocketbench, and its suites (in a wheel they stand in the package)."""
    whole = hashlib.sha256()
    suites = PACKAGE.parent / "suites"
    for path in sorted([*PACKAGE.rglob("*.py"), *PACKAGE.glob("suites/*.toml"), *suites.glob("*.toml")]):
        whole.update(f"{path.relative_to(PACKAGE.parent).as_posix()}\0".encode() + path.read_bytes())
    return whole.hexdigest()
