"""This machine as a device."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from pocketbench.core.errors import PocketbenchError, UsageError
from pocketbench.core.records import Device, RunPlan, RunResult
from pocketbench.profile.catalog import ENGINES, chooses_threads, engine_suffixes, host_refusal
from pocketbench.profile.cell import Cell
from pocketbench.profile.core_choice import choose_core_mask
from pocketbench.profile.device import read_host_device
from pocketbench.profile.device_entry import HOST_ENTRY, AttachedDevice, DeviceCheck, DeviceEntry
from pocketbench.profile.progress import Progress
from pocketbench.profile.runtimes import engine_python
from pocketbench.profile.session import profile_cells


class HostRunner:
    """See `runner.Runner`.

    Args:
        python: the interpreter for the workers of all engines (`runtimes.engine_python`).
    """

    def __init__(self, entry: DeviceEntry = HOST_ENTRY, python: Path | None = None) -> None:
        self._entry = entry
        self._python = python

    @classmethod
    def list_attached(cls) -> list[AttachedDevice]:
        return [AttachedDevice(transport="host", address=None, state="device", device=cls().read_device())]

    def read_device(self) -> Device:
        return dataclasses.replace(read_host_device(), name=self._entry.name)

    def check(self) -> list[DeviceCheck]:
        """Which engines can be started here."""
        return [check for check in map(_check_engine, ENGINES.names()) if check is not None]

    def fit_plan(self, plan: RunPlan, suffix: str, device: Device) -> RunPlan:
        refusal = host_refusal(plan.engine)
        if refusal is not None:
            raise UsageError(f"{plan.engine} does not run on this machine: {refusal}", "choose another --engine")
        runs = engine_suffixes(plan.engine)
        if suffix not in runs:
            raise UsageError(f"{plan.engine} runs {', '.join(runs)} files, not {suffix}", "choose another --engine")
        if chooses_threads(plan.engine):
            plan = dataclasses.replace(plan, thread_count=None)
        if self._entry.cores is None:
            return plan
        mask = choose_core_mask(device.clusters, self._entry.cores, plan.thread_count or 1)
        return dataclasses.replace(plan, core_mask=mask)

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
        return profile_cells(
            cells,
            run_id=run_id,
            device=device,
            on_result=on_result,
            on_progress=on_progress,
            done=done,
            pythons={cell.plan.engine: self._python for cell in cells} if self._python is not None else None,
            with_operators=with_operators,
        )


def _check_engine(engine: str) -> DeviceCheck | None:
    """None for an engine that is not for such a machine: it is not missing here."""
    subject = f"engine {engine}"
    entry = ENGINES.entry(engine)
    try:
        if host_refusal(engine) is not None:
            return None
        if entry.missing():
            found = f"there is no {', '.join(entry.missing())}"
            return DeviceCheck(subject=subject, found=found, cure=entry.install, needed=False)
        return DeviceCheck(subject=subject, found=f"run by {engine_python(engine)}")
    except PocketbenchError as error:
        return DeviceCheck(subject=subject, found=error.what, cure=error.cure, needed=False)
