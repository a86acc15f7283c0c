"""A runner at the seam: a device that runs .tflite files alone, on an engine of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Sequence
from typing import Any, ClassVar

from pocketbench.core.errors import DeviceFault, UsageError
from pocketbench.core.records import Conditions, Device, Measurement, RunPlan, RunResult
from pocketbench.profile.cell import Cell
from pocketbench.profile.device_entry import AttachedDevice, DeviceCheck, DeviceEntry
from pocketbench.profile.progress import Progress

CONDITIONS = Conditions(
    taken_at="2026-01-01T00:00:00.000+00:00",
    cpu_model=None,
    load_average=None,
    governor=None,
    frequency_khz=None,
    temperature_celsius=None,
    memory_available_bytes=None,
)


def make_device(name: str) -> Device:
    return Device(
        device_id=f"fake-{name}",
        transport="fake",
        model="Fake",
        soc=None,
        os_version=None,
        abi=None,
        core_count=8,
        memory_bytes=None,
        name=name,
    )


class FakeRunner:
    """`absent` holds the addresses of devices that can't be reached, `dying` of those that vanish after one result."""

    absent: ClassVar[set[str]] = set()
    dying: ClassVar[set[str]] = set()

    def __init__(self, entry: DeviceEntry) -> None:
        self._entry = entry

    @classmethod
    def list_attached(cls) -> list[AttachedDevice]:
        return [
            AttachedDevice(transport="fake", address="one", state="device", device=make_device("one")),
            AttachedDevice(
                transport="fake", address="two", state="locked", device=None, problem="two is locked", cure="unlock it"
            ),
        ]

    def read_device(self) -> Device:
        if self._entry.address in self.absent:
            raise DeviceFault(f"{self._entry.name} is not attached", "plug it in")
        return make_device(self._entry.name)

    def check(self) -> list[DeviceCheck]:
        if self._entry.address in self.absent:
            return [DeviceCheck(subject="device", found="not attached", cure="plug it in")]
        return [DeviceCheck(subject="device", found="Fake"), DeviceCheck(subject="fan", found="none", needed=False)]

    def fit_plan(self, plan: RunPlan, suffix: str, device: Device) -> RunPlan:
        if suffix != ".tflite":
            raise UsageError(f"{device.name} runs .tflite files, not {suffix}", "export it to tflite")
        return dataclasses.replace(plan, engine="litert", core_mask=0x70)

    def profile(
        self,
        cells: Sequence[Cell],
        *,
        run_id: str,
        device: Device,
        on_result: Callable[[RunResult], None],
        on_progress: Callable[[Progress], None] | None = None,
        done: Collection[tuple[int, int]] = (),
        **_options: Any,
    ) -> list[RunResult]:
        results = []
        for session_index in range(max(cell.plan.session_count for cell in cells)):
            for index, cell in enumerate(cells):
                if (index, session_index) in done:
                    continue
                if self._entry.address in self.dying and results:
                    raise DeviceFault(f"{self._entry.name} vanished", "plug it in")
                if on_progress is not None:
                    on_progress(Progress(done_count=len(results), total_count=9, text=cell.artifact.file_name))
                results.append(make_result(cell, run_id, session_index, device))
                on_result(results[-1])
        return results


def make_result(cell: Cell, run_id: str, session_index: int, device: Device) -> RunResult:
    return RunResult(
        run_id=run_id,
        session_index=session_index,
        artifact=cell.artifact,
        device=device,
        plan=cell.plan,
        measurement=Measurement(
            wall_ns=(5_000_000,) * 60,
            cpu_ns=(),
            cpu_clock=None,
            burst_count=1,
            settle_count=0,
            warmup_wall_ns=(),
            load_ns=None,
            first_ns=None,
            peak_rss_bytes=None,
            idle_rss_bytes=None,
            clock_resolution_ns=1000,
        ),
        failure=None,
        conditions_before=CONDITIONS,
        conditions_after=CONDITIONS,
        caveats=(),
        tools={},
        git_commit=None,
    )
