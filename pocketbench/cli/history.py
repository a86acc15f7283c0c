"""`pocketbench history`: how a latency went over commits, and where its level changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pocketbench.cli import options
from pocketbench.cli.progress import watch
from pocketbench.cli.result_filters import choose_filters, describe_count
from pocketbench.core.errors import EnvironmentFault, UsageError

if TYPE_CHECKING:
    from pocketbench.core.store import Store
    from pocketbench.workflow.history import StoredHistory

SUFFIXES = (".html", ".svg", ".png")


@click.command(
    epilog="""\b
examples:
  pocketbench history --model mobilenet_v2_1.0_ca32_224 --engine litert
  pocketbench history --threads 1 --out history.html
A change point in stored numbers is a hint, and never a reason for a red build: no result of this command is an exit
code (0 done, 2 wrong usage, 3 the database or a file is in the way). pocketbench gate decides.
Change points are looked for in 10 commits and more; a level takes 3 commits, so the last 2 are not marked yet."""
)
@click.option("--model", metavar="NAME", help="Only this model.")
@click.option("--format", metavar="NAME", help="Only this file format.")
@click.option("--engine", metavar="NAME", help="Only this engine.")
@click.option("--threads", type=click.IntRange(min=1), help="Only this number of threads.")
@click.option("--device", metavar="NAME", help="Only this device, by name or id.")
@click.option(
    "--out", metavar="FILE", type=click.Path(path_type=Path), help="Draw a chart: FILE.html, FILE.svg or FILE.png."
)
@options.as_json
def command(out: Path | None, as_json: bool, **given: Any) -> None:
    """Show each cell (a model on an engine) over the commits it was measured at, and mark where its level changes.

    For one thread the figures are CPU time, for more they are wall clock time. Commits are in the order of git where
    the current folder is a checkout that has them, else in the order of their first measurement.
    """
    if out is not None and out.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--out {out} is none of {', '.join(SUFFIXES)}", "--out history.html")
    from pocketbench.core.jsonio import to_plain
    from pocketbench.core.store import Store
    from pocketbench.workflow.history import read_history

    store = Store()
    filters = choose_filters(given, store)
    with watch("reading results", total=1) as bar:
        found = read_history(store, filters, bar.move)
    if out is not None:
        draw(found, out, store, filters)
    if as_json:
        click.echo(json.dumps(to_plain(found.history), indent=2))
    elif out is not None:
        click.echo(out)
    elif found.history.cells:
        from pocketbench.reports.history_text import format_history

        click.echo(format_history(found.history), nl=False)
    for line in describe_rest(found, store, filters):
        click.echo(line, err=True)


def draw(found: StoredHistory, out: Path, store: Store, filters: dict[str, Any]) -> None:
    """Write the chart. Raises: EnvironmentFault when there is nothing to draw; FileFault."""
    from pocketbench.reports.history_page import write_history

    if not found.history.cells:
        raise EnvironmentFault(
            f"nothing to draw into {out}: {describe_rest(found, store, filters)[0]}",
            "pocketbench results lists what was measured",
        )
    write_history(found.history, out)


def describe_rest(found: StoredHistory, store: Store, filters: dict[str, Any]) -> list[str]:
    """What matches and is not shown; where nothing is shown, why."""
    from pocketbench.reports.labels import count_things

    lines = []
    if found.without_commit_count:
        lines.append(f"left out for want of a git commit: {count_things(found.without_commit_count, 'result')}")
    if found.failed_count:
        lines.append(f"left out because they failed: {count_things(found.failed_count, 'session')}")
    if found.history.cells or lines:
        return lines
    return [describe_count(store, 0, filters)]
