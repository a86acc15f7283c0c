"""Which files are measured on a device, by which plans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pocketbench.core.errors import UsageError
from pocketbench.core.model_files import SUFFIXES
from pocketbench.core.records import Artifact, Device, RunPlan
from pocketbench.profile.catalog import engine_suffixes
from pocketbench.profile.cell import Cell
from pocketbench.profile.device_entry import HOST_ENTRY, DeviceEntry
from pocketbench.profile.host_runner import HostRunner
from pocketbench.profile.runner import Runner
from pocketbench.profile.runners import make_runner
from pocketbench.workflow.engine_choice import fit_first_engine

ArtifactFiles = Sequence[tuple[Artifact, Path]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A file that a device can't measure, and why."""

    path: Path
    refusal: UsageError

    def __str__(self) -> str:
        return f"{self.path.name}: {self.refusal}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCells:
    """What is measured on one device, and what is not."""

    entry: DeviceEntry
    runner: Runner
    device: Device
    cells: Sequence[Cell]
    left_out: Sequence[LeftOut]


def plan_devices(
    entries: Sequence[DeviceEntry],
    artifacts: ArtifactFiles,
    plans: Sequence[RunPlan],
    python: Path | None = None,
) -> list[DeviceCells]:
    """The cells of every device; each device is asked what it is.

    Args:
        plans: an empty engine stands for the first that the device has for a file.
        python: the interpreter of the workers on this machine.

    Raises:
        UsageError: when a device is left without anything to measure, or a plan makes no sense.
        DeviceFault, MissingPackageError: when a device can't be reached.
    """
    found = []
    for entry in entries:
        runner = HostRunner(entry, python) if entry.transport == "host" else make_runner(entry)
        device = runner.read_device()
        cells, left_out = fit_cells(artifacts, plans, runner, device)
        if not cells and artifacts:
            raise _explain_nothing(entry.name, artifacts, left_out)
        found.append(DeviceCells(entry=entry, runner=runner, device=device, cells=cells, left_out=left_out))
    return found


def check_every_file_is_measured(planned: Sequence[DeviceCells]) -> None:
    """Raises: UsageError for a file that none of the devices measures; says why the first does not."""
    measured = {cell.path for place in planned for cell in place.cells}
    for place in planned:
        for item in place.left_out:
            if item.path not in measured:
                raise UsageError(f"{item.path}: {item.refusal.what}", item.refusal.cure)


def fit_cells(
    artifacts: ArtifactFiles, plans: Sequence[RunPlan], runner: Runner, device: Device
) -> tuple[list[Cell], list[LeftOut]]:
    """Every artifact with every plan whose engine runs its format, as the device carries it out; and what it can't.

    Two plans that are the same on the device are one.
    """
    cells: dict[tuple[Path, str], Cell] = {}
    left_out: dict[tuple[Path, str], LeftOut] = {}
    for artifact, path in artifacts:
        suffix = SUFFIXES[artifact.format]
        for plan in plans:
            if plan.engine and suffix not in engine_suffixes(plan.engine):
                continue
            try:
                fitted = _fit(plan, suffix, runner, device)
            except UsageError as error:
                left_out[path, error.what] = LeftOut(path=path, refusal=error)
            else:
                cells.setdefault((path, repr(fitted)), Cell(artifact=artifact, path=path, plan=fitted))
    return list(cells.values()), list(left_out.values())


def _fit(plan: RunPlan, suffix: str, runner: Runner, device: Device) -> RunPlan:
    if plan.engine:
        return runner.fit_plan(plan, suffix, device)
    return fit_first_engine(plan, suffix, runner, device)


def _explain_nothing(device: str, artifacts: ArtifactFiles, left_out: Sequence[LeftOut]) -> UsageError:
    if not left_out:
        return UsageError(
            f"none of the chosen engines runs {artifacts[0][1]}", "choose another --engine, or other files"
        )
    path, refusal = left_out[0].path, left_out[0].refusal
    on = "" if device == HOST_ENTRY.name else f" on {device}"
    return UsageError(f"nothing can be measured{on}: {path}: {refusal.what}", refusal.cure)
