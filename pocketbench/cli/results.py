"""`pocketbench results`: what was measured, filtered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from pocketbench.cli import options
from pocketbench.cli.result_filters import choose_filters, describe_count
from pocketbench.core.errors import UsageError
from pocketbench.core.sample_text import INFERENCE

if TYPE_CHECKING:
    from rich.table import Table

MINIMUM_WIDTH = 140  # narrower terminals wrap the lines themselves
PIPE_WIDTH = 10_000


@click.command(
    epilog="""\b
examples:
  pocketbench results --engine litert --format tflite
  pocketbench results --failed --limit 5
  pocketbench results --csv > results.csv
The results are in out/results.sqlite, or where POCKETBENCH_DATABASE says (a file, or postgresql://USER@HOST/NAME)."""
)
@click.option("--model", metavar="NAME", help="Only this model.")
@click.option("--engine", metavar="NAME", help="Only this engine.")
@click.option("--format", metavar="NAME", help="Only this file format.")
@click.option("--device", metavar="NAME", help="Only this device, by name or id.")
@click.option("--run", metavar="ID", help="Only this run.")
@click.option("--failed", is_flag=True, help="Only sessions that failed.")
@click.option("--limit", type=click.IntRange(min=1), help="The newest so many.  [default: all]")
@click.option("--csv", "as_csv", is_flag=True, help="Print all columns as CSV.")
@options.as_json
def command(failed: bool, limit: int | None, as_csv: bool, as_json: bool, **given: str | None) -> None:
    """List what was measured: a row a session, oldest first. Its samples stay in the store."""
    from pocketbench.core.results_frame import result_row, results_frame
    from pocketbench.core.store import Store

    if as_csv and as_json:
        raise UsageError("--csv and --json are both given", "choose one")
    store = Store()
    filters = choose_filters(given, store)
    if failed:
        filters["failed"] = True
    if limit is not None:
        filters["limit"] = limit
    results = store.read_results(**filters)
    if as_json:
        click.echo(json.dumps([result_row(result) for result in results], indent=2))
    elif as_csv:
        click.echo(results_frame(results).to_csv(index=False), nl=False)
    else:
        show_runs([result_row(result) for result in results])
    click.echo(describe_count(store, len(results), filters), err=True)


def show_runs(rows: list[dict[str, Any]]) -> None:
    """A table a run on a device, as wide as the terminal, with no line break inside a row's numbers."""
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    console.width = max(console.width, MINIMUM_WIDTH) if console.is_terminal else PIPE_WIDTH
    runs: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        device = row["device"] if row["device_name"] is None else f"{row['device_name']} ({row['device']})"
        runs.setdefault(f"run {row['run_id']} on {device}", []).append(row)
    for title, group in runs.items():
        console.print(title, soft_wrap=True)
        console.print(make_table(group))


def make_table(rows: list[dict[str, Any]]) -> Table:
    """What a screen holds of the rows; notes alone may wrap."""
    from rich.table import Table

    from pocketbench.core.units import format_ms

    def milliseconds(value: float | None) -> str:
        return "" if value is None else format_ms(value * 1e6, unit=False)

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("model", "format", "engine"):
        table.add_column(name, no_wrap=True)
    for name in ("threads", "session", "median ms", "p90 ms", "cpu ms", "first ms", "load ms", "peak MB", "n"):
        table.add_column(name, no_wrap=True, justify="right")
    table.add_column("sha256", no_wrap=True)
    has_origin = any(row["origin"] is not None for row in rows)
    if has_origin:
        table.add_column("imported from", no_wrap=True)
    table.add_column("notes", overflow="fold")
    for row in rows:
        table.add_row(
            row["model"],
            " ".join(filter(None, [row["lowering"] or row["format"], row["precision"]])),
            describe_engine(row),
            "" if row["threads"] is None else str(row["threads"]),
            str(row["session"]),
            *(milliseconds(row[f"{name}_ms"]) for name in ("median", "p90", "cpu_median", "first", "load")),
            "" if row["peak_rss_mb"] is None else f"{row['peak_rss_mb']:.0f}",
            describe_samples(row),
            row["artifact_sha256"][:8],
            *([row["origin"] or ""] if has_origin else []),
            "; ".join(filter(None, [row["failure"], row["caveats"]])),
        )
    return table


def describe_engine(row: dict[str, Any]) -> str:
    """ "ai-hub npu", "benchmark_model, cores 4-6"."""
    from pocketbench.core.units import describe_mask

    engine = " ".join(filter(None, [row["engine"], row["delegate"]]))
    return engine if row["core_mask"] is None else f"{engine}, {describe_mask(row['core_mask'])}"


def describe_samples(row: dict[str, Any]) -> str:
    """How many inferences, or how many "means" or "medians" that a program printed of several."""
    if row["n"] is None or row["statistic"] == INFERENCE:
        return "" if row["n"] is None else str(row["n"])
    return f"{row['n']} {row['statistic']}{'' if row['n'] == 1 else 's'}"
