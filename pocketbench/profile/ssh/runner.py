"""Boards and Macs by ssh."""

from __future__ import annotations

import contextlib
import dataclasses
import secrets
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pocketbench.core.errors import DeviceFault, UsageError
from pocketbench.core.records import Device, RunPlan, RunResult
from pocketbench.profile.agent.refusal import Refusal
from pocketbench.profile.archive import write_agent_archive
from pocketbench.profile.catalog import chooses_threads, engine_suffixes
from pocketbench.profile.cell import Cell
from pocketbench.profile.core_choice import choose_core_mask
from pocketbench.profile.device import make_device
from pocketbench.profile.device_entry import AttachedDevice, DeviceCheck, DeviceEntry
from pocketbench.profile.device_lock import hold_device
from pocketbench.profile.machine import ConnectionLoss
from pocketbench.profile.plugin_sources import read_plugin_sources
from pocketbench.profile.progress import Progress
from pocketbench.profile.session import profile_cells
from pocketbench.profile.ssh.checks import check_board
from pocketbench.profile.ssh.client import identify_host, resolve_host
from pocketbench.profile.ssh.connection import Connection
from pocketbench.profile.ssh.hold import connect_alone
from pocketbench.profile.ssh.machine import BoardMachine
from pocketbench.profile.ssh.survey import BoardSurvey, describe_install, list_board_engines, survey_board

DARWIN = "Darwin"
Answer = TypeVar("Answer")


class SshRunner:
    """See `runner.Runner`. The board is asked once what it is, and once which engines it has."""

    def __init__(self, entry: DeviceEntry) -> None:
        self._entry = entry
        self._facts: dict[str, Any] | None = None
        self._survey: BoardSurvey | None = None

    @classmethod
    def list_attached(cls) -> list[AttachedDevice]:
        """None: ssh looks for no hosts."""
        return []

    def read_device(self) -> Device:
        """This disturbs a run that is under way there as little as a login does."""
        if self._facts is None:
            self._facts = self._ask_board(lambda archive: Connection(self._entry, archive), _ask_facts)
        return dataclasses.replace(make_device(self._facts, "ssh"), name=self._entry.name)

    def check(self) -> list[DeviceCheck]:
        return check_board(self._entry, self._read_survey)

    def fit_plan(self, plan: RunPlan, suffix: str, device: Device) -> RunPlan:
        name = self._entry.name
        runs = engine_suffixes(plan.engine)
        if suffix not in runs:
            raise UsageError(f"{plan.engine} runs {', '.join(runs)} files, not {suffix}", "choose another --engine")
        survey = self._read_survey()
        if plan.engine not in survey.engines:
            problem = survey.problems.get(plan.engine, Refusal("load", "it does not run on boards"))
            fitting = [engine for engine in survey.engines if suffix in engine_suffixes(engine)]
            others = f"; {suffix} files run there on {', '.join(fitting)}" if fitting else ""
            raise UsageError(
                f"{name} has no {plan.engine}: {problem.message}{others}",
                describe_install(self._entry, plan.engine, problem),
            )
        if chooses_threads(plan.engine):
            plan = dataclasses.replace(plan, thread_count=None)
        if device.core_count is not None and (plan.thread_count or 1) > device.core_count:
            raise UsageError(
                f"{plan.thread_count} threads are wanted, and {name} has {device.core_count} cores",
                f"ask for {device.core_count} or fewer",
            )
        choice = plan.core_mask if plan.core_mask is not None else self._entry.cores
        if choice is None:
            return plan
        if survey.facts["system"] == DARWIN:
            raise UsageError(f"{name}: macOS does not let a program choose its cores", "leave cores out")
        return dataclasses.replace(plan, core_mask=choose_core_mask(device.clusters, choice, plan.thread_count or 1))

    def profile(
        self,
        cells: Sequence[Cell],
        *,
        run_id: str,
        device: Device,
        on_result: Callable[[RunResult], None],
        on_progress: Callable[[Progress], None] | None = None,
        done: Collection[tuple[int, int]] = (),
        with_operators: bool = False,
    ) -> list[RunResult]:
        with hold_device(identify_host(resolve_host(self._entry)), self._entry.name), _write_archive() as archive:
            machine = BoardMachine(self._entry, archive)
            try:
                return profile_cells(
                    cells,
                    run_id=run_id,
                    device=device,
                    on_result=on_result,
                    on_progress=on_progress,
                    done=done,
                    machine=machine,
                    with_operators=with_operators,
                )
            except ConnectionLoss as loss:
                raise DeviceFault(str(loss), "run the same command again: it goes on where it stopped") from loss
            finally:
                machine.close()

    def _read_survey(self) -> BoardSurvey:
        """Raises: as `read_device`, and DeviceFault while another run measures there."""
        if self._survey is None:
            token = secrets.token_hex(16)
            self._survey = self._ask_board(
                lambda archive: connect_alone(self._entry, archive, token),
                lambda connection: survey_board(connection, list_board_engines()),
            )
        return self._survey

    def _ask_board(self, connect: Callable[[Path], Connection], ask: Callable[[Connection], Answer]) -> Answer:
        resolve_host(self._entry)
        with _write_archive() as archive:
            connection = connect(archive)
            try:
                return ask(connection)
            except ConnectionLoss as loss:
                raise DeviceFault(str(loss), f"try `ssh {self._entry.address}`") from loss
            finally:
                connection.close()


def _ask_facts(connection: Connection) -> dict[str, Any]:
    return connection.ask("facts")


@contextlib.contextmanager
def _write_archive() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pocketbench-") as folder:
        yield write_agent_archive(Path(folder), read_plugin_sources())
