"""The sources of engines of third parties, for machines on which their packages are not installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from pocketbench.profile.catalog import ENGINES

OWN_PACKAGE = "pocketbench"
MAX_FILES = 200
MAX_BYTES = 1_000_000


def read_plugin_sources() -> dict[str, bytes]:
    """The Python files of every package that a plug-in's engine stands in, by their path from the folder that holds
    the package. Nothing is imported.

    Left out is what can't travel: a package that is not made of files, or of too many or too large ones.
    """
    targets = [entry.target.partition(":")[0] for entry in ENGINES.entries().values()]
    packages = dict.fromkeys(target.partition(".")[0] for target in targets)
    found: dict[str, bytes] = {}
    for package in packages:
        if package != OWN_PACKAGE:
            found |= _read_package(package)
    return found


def _read_package(package: str) -> dict[str, bytes]:
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return {}
    if spec is None:
        return {}
    roots = [Path(location) for location in spec.submodule_search_locations or ()]
    if roots:
        files = [(root.parent, path) for root in roots for path in sorted(root.rglob("*.py"))]
    elif spec.origin is not None and spec.origin.endswith(".py"):
        files = [(Path(spec.origin).parent, Path(spec.origin))]
    else:
        return {}
    try:
        if len(files) > MAX_FILES or sum(path.stat().st_size for _, path in files) > MAX_BYTES:
            return {}
        return {path.relative_to(root).as_posix(): path.read_bytes() for root, path in files}
    except OSError:
        return {}
