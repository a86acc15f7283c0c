"""A board as the machine of a session."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
import time
from pathlib import Path
from typing import Any

from pocketbench.core.errors import DeviceFault, MeasurementFault
from pocketbench.core.records import Conditions
from pocketbench.profile.agent.refusal import Refusal
from pocketbench.profile.cell import Cell
from pocketbench.profile.conditions import make_conditions
from pocketbench.profile.device_entry import DeviceEntry
from pocketbench.profile.machine import ConnectionLoss, Say
from pocketbench.profile.operators.times import OperatorProfile, describe_request, explain_fault, make_profile
from pocketbench.profile.ssh.connection import ANSWER_WAIT_S, Connection
from pocketbench.profile.ssh.hold import connect_alone
from pocketbench.profile.ssh.models import place_model
from pocketbench.profile.worker import WorkerFault

RECONNECT_WAIT_S = 300.0
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
COOL_POLL_S = 5.0
PROFILE_TRIES = 3
OPTIMISED = "optimised.onnx"  # `operator_onnxruntime.py` writes it


class BoardMachine:
    """Workers behind a connection, which is made anew when it was lost.

    Args:
        archive: the agent (`archive.py`).

    Raises: as `Connection`, and DeviceFault when another run holds the board.
    """

    def __init__(self, entry: DeviceEntry, archive: Path) -> None:
        self._entry = entry
        self._archive = archive
        self._token = secrets.token_hex(16)
        self._gone: DeviceFault | None = None
        self._connection = connect_alone(self._entry, self._archive, self._token)
        try:
            self.is_virtual: bool | None = self._ask("facts")["is_virtual"]
        except ConnectionLoss as loss:
            raise DeviceFault(str(loss), f"try `ssh {entry.address}`") from loss

    def get_ready(self, say: Say) -> None:
        """Wait until the board is as cool as its entry wants it."""
        limit = self._entry.max_celsius
        if limit is None:
            return
        deadline = time.monotonic() + self._entry.cool_wait_s
        while True:
            celsius = self.read_conditions().temperature_celsius
            if celsius is None:
                raise DeviceFault(
                    f"{self._entry.name} does not tell its temperature, and max_celsius is {limit:g}",
                    "leave max_celsius out",
                )
            if celsius <= limit:
                return
            if time.monotonic() > deadline:
                raise DeviceFault(
                    f"{self._entry.name} is at {celsius:.1f} °C after {self._entry.cool_wait_s:g} s, not {limit:g}",
                    "cool it, or raise max_celsius or cool_wait_s in devices.toml",
                )
            say(f"{self._entry.name} cools down: {celsius:.1f} °C, {limit:g} °C are wanted")
            time.sleep(COOL_POLL_S)

    def start_worker(self, cell: Cell) -> BoardWorker:
        connection = self._connection
        try:
            path = place_model(connection, cell, self._entry.name)
            number = connection.ask("start")["worker"]
        except ConnectionLoss as loss:
            raise ConnectionLoss(str(loss), cell) from loss
        except Refusal as refusal:
            raise WorkerFault(refusal.kind, refusal.message) from refusal
        return BoardWorker(connection, number, cell, path)

    def read_conditions(self) -> Conditions:
        return make_conditions(self._ask("state"))

    def read_profile(self, cell: Cell) -> OperatorProfile:
        """In a worker of its own; a connection that is lost meanwhile is made anew here, and the pass begun again."""
        if self._gone is not None:
            raise MeasurementFault(self._gone.what, self._gone.cure)
        for _ in range(PROFILE_TRIES):
            try:
                return self._read_profile(cell)
            except ConnectionLoss as loss:
                reason = str(loss)
                self.reconnect(lambda _: None)
        raise MeasurementFault(f"{cell.path.name} can't be profiled: {reason}", "profile it alone")

    def reconnect(self, say: Say) -> None:
        """Try again with longer and longer pauses. The agent that may still be there is ended by the new one."""
        deadline = time.monotonic() + RECONNECT_WAIT_S
        pause_s = FIRST_PAUSE_S
        while True:
            say(f"connects to {self._entry.name} again")
            try:
                self._connection = connect_alone(self._entry, self._archive, self._token)
                self._gone = None
                return
            except DeviceFault as fault:
                if time.monotonic() + pause_s > deadline:
                    self._gone = DeviceFault(
                        f"{self._entry.name} was lost and does not come back: {fault.what}",
                        f"{fault.cure}; then run the same command again: it goes on where it stopped",
                    )
                    raise self._gone from fault
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def close(self) -> None:
        self._connection.close()

    def _ask(self, do: str) -> dict[str, Any]:
        try:
            return self._connection.ask(do)
        except Refusal as refusal:
            raise DeviceFault(f"{self._entry.name}: {refusal.message}", "check the board") from refusal

    def _read_profile(self, cell: Cell) -> OperatorProfile:
        connection = self._connection
        try:
            worker = self.start_worker(cell)
            try:
                folder = connection.ask("scratch")["path"]
                reply = worker.request(describe_request(cell.path, cell.plan, folder), cell.plan.timeout_s)
            finally:
                worker.kill()
        except WorkerFault as fault:
            raise explain_fault(fault, cell.plan.engine, cell.path) from fault
        with tempfile.TemporaryDirectory(prefix="pocketbench-") as here:
            if reply.get("graph", {}).get("kind") == "onnx":
                # there is none of an .ort file
                with contextlib.suppress(Refusal):
                    (Path(here) / OPTIMISED).write_bytes(connection.fetch(OPTIMISED))
            return make_profile(reply, cell.path, Path(here))


class BoardWorker:
    """A worker on the board: `cell.CellWorker`."""

    def __init__(self, connection: Connection, number: int, cell: Cell, path: str) -> None:
        self._connection = connection
        self._number = number
        self._cell = cell
        self._path = path

    def request(self, message: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        if "path" in message:
            message = {**message, "path": self._path}
        try:
            return self._connection.ask(
                "ask", timeout_s + ANSWER_WAIT_S, worker=self._number, message=message, timeout_s=timeout_s
            )
        except ConnectionLoss as loss:
            raise ConnectionLoss(str(loss), self._cell) from loss
        except Refusal as refusal:
            raise WorkerFault(refusal.kind, refusal.message) from refusal

    def close(self) -> None:
        self._end(gently=True)

    def kill(self) -> None:
        self._end(gently=False)

    def _end(self, gently: bool) -> None:
        """With the connection its workers have ended, too."""
        if not self._connection.is_open:
            return
        try:
            self._connection.ask("end", worker=self._number, gently=gently)
        except ConnectionLoss:
            return
