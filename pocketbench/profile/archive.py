"""The worker as one file, for the host and for boards alike: a zip that any Python 3.9 or newer runs. With the argument
"board" it is a board's end of a connection instead."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pocketbench
from pocketbench.core.errors import FileFault

# All that travels to a board: these, and the whole folder.
PACKAGE_FILES = ("__init__.py", "profile/__init__.py")
AGENT_FOLDER = "profile/agent"
START = """import sys

if sys.argv[1:] == ["board"]:
    from pocketbench.profile.agent.board import main
else:
    from pocketbench.profile.agent.agent import main
main()
"""
EPOCH = (1980, 1, 1, 0, 0, 0)


def write_agent_archive(folder: Path, plugins: Mapping[str, bytes] | None = None) -> Path:
    """Write the worker to `folder`. The file is named by its content, and equal sources give equal bytes, so that a
    board that has the file need not be sent it again.

    A zip and not PYTHONPATH: a folder of site-packages on the path would put this environment's numpy before the one
    that the worker's own interpreter needs.

    Args:
        plugins: the files of engines of third parties, for a machine that has not got them (`plugin_sources.py`).

    Raises:
        FileFault: when the folder can't be written.
    """
    package = Path(pocketbench.__file__).parent
    contents = {**(plugins or {}), "__main__.py": START.encode()}
    contents.update({f"pocketbench/{name}": (package / name).read_bytes() for name in list_agent_files()})
    digest = hashlib.sha256(repr(sorted(contents.items())).encode()).hexdigest()
    path = folder / f"pocketbench-agent-{digest[:12]}.pyz"
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in contents.items():
                archive.writestr(zipfile.ZipInfo(name, EPOCH), content)
    except OSError as error:
        raise FileFault(f"can't write {path}: {error.strerror or error}", "check the folder and free space") from error
    return path


def list_agent_files() -> list[str]:
    """What of this package travels to a board, below its folder."""
    package = Path(pocketbench.__file__).parent
    found = [path.relative_to(package).as_posix() for path in (package / AGENT_FOLDER).rglob("*.py")]
    return [*PACKAGE_FILES, *sorted(found)]
