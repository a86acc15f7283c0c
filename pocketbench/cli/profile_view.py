"""What `pocketbench profile` shows: progress on stderr, then a table of the latencies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from pocketbench.cli.progress import watch
from pocketbench.core.errors import MeasurementFault
from pocketbench.core.jsonio import to_plain
from pocketbench.profile.progress import Progress
from pocketbench.workflow.profile_models import ProfileOutcome


@contextmanager
def watch_run() -> Iterator[Callable[[Progress], None]]:
    """A progress bar over the loads and bursts of a run."""
    with watch("measuring", total=1, still=True) as bar:

        def on_progress(progress: Progress) -> None:
            bar.describe(progress.text)
            bar.move(progress.done_count, progress.total_count)

        yield on_progress


def show_results(outcome: ProfileOutcome, *, as_json: bool) -> None:
    """Print a line a cell, or every sample as JSON.

    Raises: MeasurementFault when a cell failed, after everything was printed.
    """
    if as_json:
        click.echo(json.dumps([to_plain(result) for result in outcome.results]))
    elif len(outcome.failures) < len(outcome.results):
        from pocketbench.reports.table import make_table
        from pocketbench.reports.text import format_latencies

        click.echo(format_latencies(make_table([], outcome.results, [])), nl=False)
        if outcome.resumed_count:
            click.echo(f"{outcome.resumed_count} results are of the run that was interrupted", err=True)
    if outcome.failures:
        failed = outcome.failures[0]
        assert failed.failure is not None
        others = f" (and {len(outcome.failures) - 1} more failures)" if outcome.failures[1:] else ""
        cause = f"{failed.failure.kind}: {failed.failure.message}{others}"
        raise MeasurementFault(
            f"{failed.artifact.file_name} on {failed.plan.engine}: {cause}",
            "check the file, or try another engine; pocketbench results --failed lists what failed",
        )
