"""Measure on several devices, one after the other: one that fails costs itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pocketbench.core.errors import DeviceFault, EnvironmentFault, MissingPackageError
from pocketbench.core.store import Store
from pocketbench.profile.device_lock import DeviceInUse
from pocketbench.profile.progress import Progress
from pocketbench.workflow.device_cells import DeviceCells
from pocketbench.workflow.profile_models import ProfileOutcome, make_run_key, profile_models


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicesOutcome:
    """What came of every device, and, by the device's name, what stopped it: then its results are those that were
    finished until then."""

    outcomes: Sequence[ProfileOutcome]
    faults: dict[str, EnvironmentFault]


def profile_devices(
    planned: Sequence[DeviceCells],
    store: Store,
    *,
    on_progress: Callable[[str, Progress], None],
    with_operators: bool = False,
) -> DevicesOutcome:
    """Measure the cells of each device and store the results.

    Args:
        on_progress: is given the device's name and how far it is.

    Raises:
        UsageError: for a plan that makes no sense.
        FileFault, EnvironmentFault: when a file can't be read or the results can't be stored: no device's fault.
    """
    outcomes = []
    faults: dict[str, EnvironmentFault] = {}
    for place in planned:
        name = place.entry.name

        def tell(progress: Progress, name: str = name) -> None:
            on_progress(name, progress)

        try:
            outcome = profile_models(
                place.cells,
                store,
                runner=place.runner,
                device=place.device,
                on_progress=tell,
                with_operators=with_operators,
            )
        except (DeviceFault, MissingPackageError) as fault:
            faults[name] = fault
            if isinstance(fault, DeviceInUse):
                continue
            outcome = read_finished(place, store)
        outcomes.append(outcome)
    return DevicesOutcome(outcomes=outcomes, faults=faults)


def read_finished(place: DeviceCells, store: Store) -> ProfileOutcome:
    """What a run that was stopped has stored."""
    progress = store.read_progress(make_run_key(place.cells, place.device))
    if progress is None or progress.finished:
        return ProfileOutcome(run_id="", results=[], resumed_count=0)
    results = store.read_results(run_id=progress.run_id)
    return ProfileOutcome(run_id=progress.run_id, results=results, resumed_count=0)
