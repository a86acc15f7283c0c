"""What a way to measure on a device has to offer: the seam between `pocketbench profile --on` and its transports."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from pocketbench.core.records import Device, RunPlan, RunResult
from pocketbench.profile.cell import Cell
from pocketbench.profile.device_entry import AttachedDevice, DeviceCheck, DeviceEntry
from pocketbench.profile.progress import Progress


class Runner(Protocol):
    """One device, reached in one way. A runner is registered in `runners.py` under the name of its transport.

    Making one touches no device and imports no runtime.
    """

    def __init__(self, entry: DeviceEntry) -> None: ...

    @classmethod
    def list_attached(cls) -> list[AttachedDevice]:
        """The devices that the transport finds by itself; () where there is nothing to look for.

        Raises: DeviceFault, MissingPackageError when it can't look.
        """
        ...

    def read_device(self) -> Device:
        """The device's facts; its `name` is the entry's. Raises: DeviceFault, MissingPackageError."""
        ...

    def check(self) -> list[DeviceCheck]:
        """All that measuring on this device needs, whether it is there, and how to get it. Raises nothing for a device
        that can't be reached: that is a check, too."""
        ...

    def fit_plan(self, plan: RunPlan, suffix: str, device: Device) -> RunPlan:
        """The plan as this device carries it out for files of a suffix (".tflite"): its own engine, its core mask.

        Raises: UsageError when the device has no engine for such files, or too few cores for the threads.
        """
        ...

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
        """Measure every cell in each of its sessions, as `session.profile_cells` does: the same order of results, the
        same meaning of `done`, `on_result` and of a cell that failed.

        Whatever was changed on the device is put back before this returns or raises.

        Args:
            with_operators: also take the times of the operators of each cell, in a pass of its own.

        Raises: DeviceFault when the device is gone for good, in use by another run, or does not cool down.
        """
        ...
