"""Which Python runs the worker of an engine."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from pocketbench.core.errors import FileFault, MissingPackageError
from pocketbench.profile.catalog import ENGINES

# Engines whose packages do not go with ours: the module to look for, and where `make` puts an environment for it.
OWN_ENVIRONMENTS = {"tflite_runtime": ("tflite_runtime", Path(".venv-tflite-runtime/bin/python"))}


def engine_python(engine: str, explicit: Path | None = None) -> Path:
    """The interpreter for an engine's worker: `explicit`; else the one that the environment variable
    POCKETBENCH_<ENGINE>_PYTHON names; else this one, when it has what the engine needs; else that of the engine's own
    environment in the current folder.

    Raises:
        UnknownNameError: when no such engine is registered.
        FileFault: when the interpreter that was named can't be run.
        MissingPackageError: when the engine needs an environment of its own and there is none.
    """
    entry = ENGINES.entry(engine)
    variable = f"POCKETBENCH_{engine.upper()}_PYTHON"
    named = explicit or (Path(os.environ[variable]) if os.environ.get(variable) else None)
    if named is not None:
        if not named.is_file() or not os.access(named, os.X_OK):
            raise FileFault(f"{named} is no Python to run {engine} with", f"check the path, or {variable}")
        return named.absolute()
    if engine not in OWN_ENVIRONMENTS:
        return Path(sys.executable)
    module, default = OWN_ENVIRONMENTS[engine]
    if importlib.util.find_spec(module) is not None:
        return Path(sys.executable)
    if os.access(default, os.X_OK):
        return default.absolute()
    raise MissingPackageError(
        f"{engine} needs an environment of its own, and there is no {default} here",
        f"{entry.install}, or set {variable} to a Python that has it",
    )


def worker_command(python: Path, archive: Path) -> list[str]:
    """The command that starts the worker.

    Another environment's interpreter runs isolated (-I): a PYTHONPATH that is meant for this one, or packages of the
    user's home, would shadow its own.
    """
    isolation = [] if python == Path(sys.executable) else ["-I"]
    return [str(python), *isolation, str(archive)]
