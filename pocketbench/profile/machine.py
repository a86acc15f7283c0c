"""Where the workers of a session run: the seam between the order of measurements and the machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from pocketbench.core.errors import MissingPackageError
from pocketbench.core.records import Conditions
from pocketbench.profile.agent.machine_state import read_is_virtual
from pocketbench.profile.cell import Cell, CellWorker
from pocketbench.profile.conditions import read_conditions
from pocketbench.profile.operators.passes import make_host_reader
from pocketbench.profile.operators.times import OperatorProfile
from pocketbench.profile.runtimes import engine_python, worker_command
from pocketbench.profile.worker import Worker, WorkerFault

Say = Callable[[str], None]


class ConnectionLoss(Exception):
    """A machine can't be reached any more; what it measured in this session is void.

    Args:
        cell: what was asked for then; None when it was the machine itself.
    """

    def __init__(self, message: str, cell: Cell | None = None) -> None:
        super().__init__(message)
        self.cell = cell


class Machine(Protocol):
    """Any of these raises `ConnectionLoss` when the machine is out of reach."""

    is_virtual: bool | None

    def get_ready(self, say: Say) -> None:
        """Called before each session; waits for what it needs, and says for what. Raises: DeviceFault."""
        ...

    def start_worker(self, cell: Cell) -> CellWorker:
        """A fresh worker. Raises: WorkerFault."""
        ...

    def read_conditions(self) -> Conditions: ...

    def read_profile(self, cell: Cell) -> OperatorProfile:
        """What the operators of a cell take. Raises: as `operator_times.read_profile`."""
        ...

    def reconnect(self, say: Say) -> None:
        """Called after a loss, when all workers have been ended; none lives on the machine either after this.

        Raises: DeviceFault when the machine stays out of reach.
        """
        ...


class HostMachine:
    """This machine.

    Interpreters are looked up before anything is measured; one that is not there fails the cells that need it.

    Args:
        archive: the worker (`archive.py`).
        pythons: the interpreter for the workers of an engine, by the engine's name (`runtimes.engine_python`).

    Raises:
        FileFault: when an interpreter that was named can't be run.
    """

    def __init__(self, cells: Sequence[Cell], archive: Path, pythons: Mapping[str, Path]) -> None:
        self.is_virtual = read_is_virtual()
        self._read_profile = make_host_reader(pythons)
        self._commands: dict[str, list[str] | MissingPackageError] = {}
        for engine in {cell.plan.engine for cell in cells}:
            try:
                self._commands[engine] = worker_command(engine_python(engine, pythons.get(engine)), archive)
            except MissingPackageError as error:
                self._commands[engine] = error

    def get_ready(self, say: Say) -> None:
        pass

    def start_worker(self, cell: Cell) -> Worker:
        command = self._commands[cell.plan.engine]
        if isinstance(command, MissingPackageError):
            raise WorkerFault("missing_package", command.what) from command
        return Worker(command)

    def read_conditions(self) -> Conditions:
        return read_conditions()

    def read_profile(self, cell: Cell) -> OperatorProfile:
        return self._read_profile(cell)

    def reconnect(self, say: Say) -> None:
        pass
