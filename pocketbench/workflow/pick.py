"""The most accurate file of a suite within a latency budget, from what was measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pocketbench.core.errors import EnvironmentFault, UnknownNameError
from pocketbench.core.store import Store
from pocketbench.profile.device_entry import HOST_ENTRY
from pocketbench.profile.host_runner import HostRunner
from pocketbench.reports.pick import make_pick
from pocketbench.reports.pick_places import choose_places, list_device_names
from pocketbench.reports.pick_records import Pick
from pocketbench.reports.records import Table
from pocketbench.workflow.devices_file import read_devices
from pocketbench.workflow.export_models import Variant
from pocketbench.workflow.report_suite import make_suite_report

_NS_PER_MS = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class SuitePick:
    """The answer, and the files of the suite that it was made without: not exported, or made from other sources."""

    pick: Pick
    missing: list[Variant]


def pick_from_suite(
    suite_name: str,
    folder: Path,
    store: Store,
    *,
    device: str,
    budget_ms: float,
    engine: str | None = None,
    thread_count: int | None = None,
    dataset: str | None = None,
) -> SuitePick:
    """Choose among the suite's files in `folder`; nothing is exported, measured or evaluated.

    Args:
        device: "host", a name of devices.toml, or a device's id.
        dataset: the data set whose top-1 counts; None when all was measured on one.

    Raises:
        UnknownNameError: for a device, an engine or a data set that nobody knows.
        UsageError: for a number of threads that nothing ran with.
        EnvironmentFault: when nothing was measured on the device, or no top-1 at all where `dataset` is given.
        Also what `make_suite_report` raises: MixedDataError, SuiteError, FileFault.
    """
    report = make_suite_report(suite_name, folder, store, dataset=dataset)
    places = choose_places(
        report.table.runtimes,
        device=_find_device(report.table, device, suite_name),
        called=device,
        engine=engine,
        thread_count=thread_count,
    )
    pick = make_pick(report.table, places, device=device, budget_ns=budget_ms * _NS_PER_MS)
    if dataset is not None and (pick.basis is None or pick.basis.dataset != dataset):
        _refuse_dataset(report.table, dataset, store)
    return SuitePick(pick=pick, missing=report.missing)


def _refuse_dataset(table: Table, name: str, store: Store) -> NoReturn:
    """Published figures of another data set are no answer to who asks for this one."""
    files = [file.sha256 for row in table.rows for file in row.files if file.sha256 is not None]
    known = {accuracy.dataset for accuracy in store.read_accuracies(files)}
    if known:
        raise UnknownNameError("measured top-1 of these files on", name, known)
    raise EnvironmentFault(
        f"no top-1 of these files was measured on {name!r}", f"pocketbench accuracy FILE... --data {name}"
    )


def _find_device(table: Table, name: str, suite_name: str) -> str:
    """What the table's runtimes call the device: "host" is this machine, whatever was imported under that name."""
    ids = {runtime.device_id for runtime in table.runtimes}
    names = {runtime.device_name for runtime in table.runtimes}
    wanted = HostRunner().read_device().device_id if name == HOST_ENTRY.name else name
    if wanted in ids | names | set(list_device_names(table.runtimes)):
        return wanted
    described = read_devices()
    if name in described:
        on = "" if name == HOST_ENTRY.name else f" --on {name}"
        raise EnvironmentFault(
            f"nothing of suite {suite_name} was measured on {name}", f"pocketbench profile --suite {suite_name}{on}"
        )
    raise UnknownNameError("device", name, {*described, *list_device_names(table.runtimes)})
