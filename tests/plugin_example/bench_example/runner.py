"""This machine once more, with workers of the lowest priority. The interface: `pocketbench/profile/runner.py`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from pocketbench.core.records import Caveat, Device, RunPlan, RunResult
from pocketbench.profile.archive import write_agent_archive
from pocketbench.profile.cell import Cell
from pocketbench.profile.device_entry import AttachedDevice, DeviceCheck, DeviceEntry
from pocketbench.profile.host_runner import HostRunner
from pocketbench.profile.machine import HostMachine
from pocketbench.profile.progress import Progress
from pocketbench.profile.runtimes import engine_python, worker_command
from pocketbench.profile.session import profile_cells
from pocketbench.profile.worker import Worker

LOWEST_PRIORITY = "19"


class NicedMachine(HostMachine):
    """Starts a worker through `nice`."""

    def __init__(self, cells: Sequence[Cell], archive: Path) -> None:
        super().__init__(cells, archive, {})
        self._archive = archive

    def start_worker(self, cell: Cell) -> Worker:
        command = worker_command(engine_python(cell.plan.engine), self._archive)
        return Worker(["nice", "-n", LOWEST_PRIORITY, *command])


class NicedRunner:
    def __init__(self, entry: DeviceEntry) -> None:
        self._entry = entry
        self._host = HostRunner()

    @classmethod
    def list_attached(cls) -> list[AttachedDevice]:
        return []

    def read_device(self) -> Device:
        host = self._host.read_device()
        return replace(host, device_id=f"{host.device_id}-niced", transport="niced", name=self._entry.name)

    def check(self) -> list[DeviceCheck]:
        return self._host.check()

    def fit_plan(self, plan: RunPlan, suffix: str, device: Device) -> RunPlan:
        return self._host.fit_plan(plan, suffix, device)

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
        results: list[RunResult] = []

        def hand_over(result: RunResult) -> None:
            caveat = Caveat(code="niced", text="measured at the lowest priority")
            results.append(replace(result, caveats=(*result.caveats, caveat)))
            on_result(results[-1])

        with tempfile.TemporaryDirectory(prefix="bench-example-") as folder:
            profile_cells(
                cells,
                run_id=run_id,
                device=device,
                on_result=hand_over,
                on_progress=on_progress,
                done=done,
                machine=NicedMachine(cells, write_agent_archive(Path(folder))),
                with_operators=with_operators,
            )
        return results
