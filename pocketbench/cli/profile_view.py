"""What `pocketbench profile` shows: progress on stderr, then a table of the latencies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click

from pocketbench.cli.operator_view import show_operator_costs
from pocketbench.cli.progress import watch
from pocketbench.core.errors import DeviceFault, MeasurementFault
from pocketbench.core.jsonio import to_plain
from pocketbench.core.units import make_printable
from pocketbench.profile.device_entry import HOST_ENTRY
from pocketbench.profile.progress import Progress
from pocketbench.workflow.device_cells import DeviceCells
from pocketbench.workflow.profile_devices import DevicesOutcome

OF_DEVICES = ("device", "connection")
"""The kinds of failures that neither the file nor the engine is to blame for."""


@contextmanager
def watch_run() -> Iterator[Callable[[str, Progress], None]]:
    """A progress bar over the loads and bursts of a run, device after device."""
    with watch("measuring", total=1, still=True) as bar:

        def on_progress(device: str, progress: Progress) -> None:
            bar.describe(progress.text if device == HOST_ENTRY.name else f"{device}: {progress.text}")
            bar.move(progress.done_count, progress.total_count)

        yield on_progress


def show_left_out(planned: Sequence[DeviceCells]) -> None:
    """Say on stderr which files are not measured where, and why."""
    for place in planned:
        files: dict[str, list[str]] = {}
        for item in place.left_out:
            files.setdefault(item.refusal.what, []).append(item.path.name)
        for reason, names in files.items():
            others = f" and {len(names) - 1} more" if names[1:] else ""
            click.echo(make_printable(f"not measured on {place.entry.name}: {names[0]}{others}: {reason}"), err=True)


def show_results(outcome: DevicesOutcome, *, as_json: bool) -> None:
    """Print a line a cell, or every sample as JSON.

    Raises: MeasurementFault when a cell failed, or the fault of a device, after everything was printed.
    """
    results = [result for part in outcome.outcomes for result in part.results]
    failures = [result for result in results if result.failure is not None]
    resumed_count = sum(part.resumed_count for part in outcome.outcomes)
    if as_json:
        click.echo(json.dumps([to_plain(result) for result in results]))
    elif len(failures) < len(results):
        from pocketbench.reports.table import make_table
        from pocketbench.reports.text import format_latencies

        click.echo(format_latencies(make_table([], results, [])), nl=False)
        show_operator_costs(results)
        if resumed_count:
            click.echo(f"{resumed_count} results are of the run that was interrupted", err=True)
    _refuse_faults(outcome)
    if failures:
        failed = failures[0]
        assert failed.failure is not None
        others = f" (and {len(failures) - 1} more failures)" if failures[1:] else ""
        cause = f"{failed.failure.kind}: {failed.failure.message}{others}"
        cure = "see to the device" if failed.failure.kind in OF_DEVICES else "check the file, or try another engine"
        raise MeasurementFault(
            f"{failed.artifact.file_name} on {failed.plan.engine}: {cause}",
            f"{cure}; pocketbench results --failed lists what failed",
        )


def _refuse_faults(outcome: DevicesOutcome) -> None:
    """Raises: the only fault, with the device's name; DeviceFault for several, after each was printed."""
    faults = list(outcome.faults.items())
    if len(faults) == 1:
        name, fault = faults[0]
        is_named = name == HOST_ENTRY.name or name in fault.what
        raise fault if is_named else type(fault)(f"{name}: {fault.what}", fault.cure)
    for name, fault in faults:
        click.echo(f"pocketbench: {name}: {fault.what}\n  try: {fault.cure}", err=True)
    if faults:
        raise DeviceFault(
            f"{len(faults)} devices were not measured on to the end: {', '.join(outcome.faults)}",
            "see the lines above; what was finished is kept, and the same command goes on",
        )
