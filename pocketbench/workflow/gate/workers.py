"""The commands that start the workers of either side."""

from __future__ import annotations

from pathlib import Path

from pocketbench.core.errors import MissingPackageError
from pocketbench.profile.duel.arena import HEAD
from pocketbench.profile.runtimes import engine_python, worker_command
from pocketbench.profile.worker import WorkerFault


class Workers:
    """The commands that start workers: head's interpreter, and base's where it is another.

    Args:
        archive: of the agent.
        base_python: None for head's.
    """

    def __init__(self, archive: Path, base_python: Path | None) -> None:
        self._archive = archive
        self._base_python = base_python

    @property
    def apart(self) -> bool:
        return self._base_python is not None

    def command(self, engine: str, fighter: int) -> list[str]:
        """Raises: WorkerFault when the engine has no interpreter here; FileFault for one that can't be run."""
        try:
            python = engine_python(engine, None if fighter == HEAD else self._base_python)
        except MissingPackageError as error:
            raise WorkerFault("missing_package", f"{error.what} ({error.cure})") from error
        return worker_command(python, self._archive)
