"""An Android phone, by adb."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Sequence

from pocketbench.core.errors import DeviceFault, PocketbenchError, UsageError
from pocketbench.core.records import Device, RunPlan, RunResult
from pocketbench.profile.adb.benchmark_program import ENGINE
from pocketbench.profile.adb.checks import check_phone
from pocketbench.profile.adb.client import AdbClient, list_attached
from pocketbench.profile.adb.clock import Clock
from pocketbench.profile.adb.connection import describe_attached, explain_state
from pocketbench.profile.adb.facts import read_phone_device
from pocketbench.profile.adb.interruption import leave_by_signals
from pocketbench.profile.adb.process import RunProgram, run_program
from pocketbench.profile.adb.program import find_adb
from pocketbench.profile.adb.sessions import PhoneSessions
from pocketbench.profile.catalog import engine_suffixes
from pocketbench.profile.cell import Cell
from pocketbench.profile.core_choice import choose_core_mask
from pocketbench.profile.device_entry import AttachedDevice, DeviceCheck, DeviceEntry
from pocketbench.profile.device_lock import hold_device
from pocketbench.profile.plans import check_plan
from pocketbench.profile.progress import Progress

# A run of benchmark_model summarises this many inferences or more; a plan's burst is of samples that are kept.
RUN_COUNT = 50


class AdbRunner:
    """See `runner.Runner`. Models run in TensorFlow Lite's benchmark_model.

    Args:
        run: runs adb.
        clock: what waiting goes by.
    """

    def __init__(self, entry: DeviceEntry, run: RunProgram = run_program, clock: Clock | None = None) -> None:
        self._entry = entry
        self._run = run
        self._clock = clock or Clock()

    @classmethod
    def list_attached(cls) -> list[AttachedDevice]:
        """Raises: DeviceFault without adb."""
        program = find_adb()
        return [_describe(program, serial, state) for serial, state in list_attached(program).items()]

    def read_device(self) -> Device:
        client = self._make_client()
        client.attach()
        return read_phone_device(client, self._entry.name)

    def check(self) -> list[DeviceCheck]:
        return check_phone(self._entry, self._make_client)

    def fit_plan(self, plan: RunPlan, suffix: str, device: Device) -> RunPlan:
        """The engine is benchmark_model for each that runs .tflite. Its runs are of 50 inferences or more, behind a
        warm-up of their own, so that none is left out of a sample; sessions and rounds are the plan's."""
        runs = engine_suffixes(ENGINE)
        if suffix not in runs or not set(engine_suffixes(plan.engine)) & set(runs):
            raise UsageError(
                f"{plan.engine} does not run {suffix} files on a phone: phones run .tflite files in {ENGINE}",
                "export with --format tflite, and leave --engine out",
            )
        if plan.shapes:
            raise UsageError(
                "input shapes can't be chosen on a phone: a file runs with the sizes that it holds",
                "export the file with these sizes",
            )
        mask = plan.core_mask
        if self._entry.cores is not None or mask is not None:
            choice = mask if self._entry.cores is None else self._entry.cores
            assert choice is not None
            mask = choose_core_mask(device.clusters, choice, plan.thread_count or 1)
        elif device.core_count is not None and (plan.thread_count or 1) > device.core_count:
            raise UsageError(
                f"{plan.thread_count} threads are wanted on the {device.core_count} cores of {self._entry.name}",
                f"ask for {device.core_count} or fewer",
            )
        fitted = dataclasses.replace(
            plan, engine=ENGINE, core_mask=mask, burst_count=max(RUN_COUNT, plan.burst_count), settle_count=0
        )
        check_plan(fitted)
        return fitted

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
        for cell in cells:
            check_plan(cell.plan)
        client = self._make_client()
        with leave_by_signals(), hold_device(f"adb {client.serial}", self._entry.name):
            client.attach()
            sessions = PhoneSessions(
                client,
                self._entry,
                device,
                cells,
                run_id=run_id,
                on_result=on_result,
                on_progress=on_progress,
                done=done,
                with_operators=with_operators,
            )
            return sessions.run()

    def _make_client(self) -> AdbClient:
        """Raises: DeviceFault without adb, or when no phone is named and there is not just one."""
        program = find_adb()
        serial = self._entry.address
        if serial is None:
            attached = list_attached(program, self._run)
            if len(attached) != 1:
                raise DeviceFault(
                    f"{self._entry.name} has no serial, and {describe_attached(attached)}",
                    "give its serial in devices.toml" if attached else "plug it in with USB debugging on",
                )
            (serial,) = attached
        return AdbClient(program, serial, self._entry.name, self._run, self._clock)


def _describe(program: str, serial: str, state: str) -> AttachedDevice:
    """A phone that adb sees, with its facts where it can be asked."""
    problem: PocketbenchError | None = None
    device = None
    if state == "device":
        try:
            device = read_phone_device(AdbClient(program, serial, serial), serial)
            device = dataclasses.replace(device, name=None)
        except DeviceFault as fault:
            problem = fault
    else:
        problem = explain_state("the phone", serial, state)
    return AttachedDevice(
        transport="adb",
        address=serial,
        state=state,
        device=device,
        problem=problem.what if problem is not None else None,
        cure=problem.cure if problem is not None else None,
    )
