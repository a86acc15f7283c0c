"""Where a commit's own code and suite stand once it is checked out: places of the working tree, moved over there."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pocketbench
from pocketbench.core.errors import UsageError
from pocketbench.workflow.gate.worktree import INHERITED, find_repository, holds_path
from pocketbench.workflow.suites import Suite

PACKAGE = Path(pocketbench.__file__).resolve().parent


@dataclass(frozen=True, slots=True, kw_only=True)
class BasePlace:
    """A commit, the repository that has it, and the folder of the working tree that the user stands in."""

    repository: Path
    commit: str
    folder: Path

    @property
    def inner_folder(self) -> Path:
        """The user's folder, relative to the repository's root."""
        return self.folder.relative_to(self.repository)

    @property
    def holds_pocketbench(self) -> bool:
        """Whether the repository is that of pocketbench itself: base's files are made by base's pocketbench then."""
        package = self.find_inner(PACKAGE)
        return package is not None and holds_path(self.repository, self.commit, package / "__init__.py")

    def find_inner(self, path: Path) -> Path | None:
        """A place of the working tree, relative to the repository's root; None for a place outside."""
        whole = self.folder / path
        whole = whole.parent.resolve() / whole.name if whole.name not in ("", "..") else whole.resolve()
        return whole.relative_to(self.repository) if whole.is_relative_to(self.repository) else None


def find_place(commit: str, folder: Path) -> BasePlace:
    """Raises: UsageError, EnvironmentFault as `find_repository`."""
    repository = find_repository(folder)
    return BasePlace(repository=repository, commit=commit, folder=folder.resolve())


def find_base_suite(suite: str, place: BasePlace) -> str | None:
    """What `export --suite` is to be told in the commit's folder; None when the commit has no such suite.

    A suite file outside the repository is not of any commit: the same file is for both then.

    Args:
        suite: a name, or a .toml file as seen from the user's folder.
    """

    def holds(*parts: str | Path) -> bool:
        inner = place.find_inner(Path(*parts))
        return inner is not None and holds_path(place.repository, place.commit, inner)

    if suite.endswith(".toml"):
        inner = place.find_inner(Path(suite))
        if inner is None:
            return str((place.folder / suite).resolve())
        return os.path.relpath(inner, place.inner_folder) if holds(suite) else None
    file = f"{suite}.toml"
    if holds("suites", file):
        return suite
    builtin = [PACKAGE / "suites" / file, PACKAGE.parent / "suites" / file]
    found = any(map(holds, builtin)) if place.holds_pocketbench else any(path.is_file() for path in builtin)
    return suite if found else None


def list_user_packages(suite: Suite) -> list[str]:
    """The top-level modules of the users' functions that a suite names."""
    functions = (model.backbone for model in suite.models if ":" in model.backbone)
    return sorted({name.partition(":")[0].partition(".")[0] for name in functions if not name.startswith("timm:")})


def list_python_folders(place: BasePlace, worktree: Path, packages: Iterable[str]) -> list[Path]:
    """The folders of the worktree that Python must search first, so that the commit's own code is imported.

    An editable install, PYTHONPATH or a `src` folder would otherwise lead back to the working tree, and base would be
    a second copy of head. What is not in the commit (a virtual environment in the repository) stays where it is.
    """
    inner = [place.inner_folder]
    seen = [Path(entry) for entry in sys.path]
    for package in packages:
        seen += [folder for folder in _find_import_folders(package) if folder not in seen]
        for source in (place.inner_folder / "src", Path("src")):
            if any((worktree / source / name).exists() for name in (package, f"{package}.py")):
                inner.append(source)
    inner += [found for entry in [*seen, PACKAGE.parent] if (found := place.find_inner(entry)) is not None]
    return [worktree / folder for folder in dict.fromkeys(inner) if (worktree / folder).is_dir()]


def make_environment(folders: Sequence[Path]) -> dict[str, str]:
    """The environment of a process that is to import from these folders first."""
    inherited = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    kept = {name: value for name, value in os.environ.items() if name not in INHERITED}
    return kept | {"PYTHONPATH": os.pathsep.join([*map(str, folders), *inherited])}


def refuse_foreign_code(origins: dict[str, str], place: BasePlace, worktree: Path) -> list[str]:
    """Look at where base's modules come from; returns a sentence for each that is the same for base and head.

    Args:
        origins: module -> the file that a process in the worktree would import.

    Raises:
        UsageError: for a module of the working tree, which is head's code.
    """
    notes = []
    for name, origin in origins.items():
        path = Path(origin).resolve()
        if path.is_relative_to(worktree):
            continue
        if path.is_relative_to(place.repository) and not path.is_relative_to(Path(sys.prefix).resolve()):
            raise UsageError(
                f"{name} is not in {place.commit[:12]}: base would be built by head's code, {path}",
                "a module that git ignores or that is a submodule has no base; compare folders: --base FOLDER",
            )
        if name != "pocketbench":
            notes.append(f"{name} is an installed package ({path}): base and head are built by the same code of it")
    return notes


def _find_import_folders(package: str) -> list[Path]:
    """Where this process would import a top-level module from."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return []
    if spec is None:
        return []
    if spec.submodule_search_locations is not None:
        return [Path(folder).parent for folder in spec.submodule_search_locations]
    return [Path(spec.origin).parent] if spec.origin is not None else []
