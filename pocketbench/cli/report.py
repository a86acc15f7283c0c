"""`pocketbench report`: the latency-vs-accuracy table of a suite, as Markdown, CSV, JSON and one HTML page."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pocketbench.cli import options
from pocketbench.core.errors import EnvironmentFault


@click.command()
@click.option("--suite", metavar="NAME|FILE", default="paper", show_default=True, help="The suite to report on.")
@click.option(
    "--artifacts", type=click.Path(path_type=Path), help="Folder of the suite's files.  [default: out/export]"
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the report.  [default: out/report]")
@click.option("--data", "dataset", metavar="NAME", help="The data set whose top-1 is shown, where there are several.")
@options.as_json
def command(suite: str, artifacts: Path | None, out: Path | None, dataset: str | None, as_json: bool) -> None:
    """Write the table of a suite: parameters, M-Adds, size, latency, overhead and top-1 of each model; and its figures
    as SVG and PNG."""
    from pocketbench.core.model_files import open_folder
    from pocketbench.core.store import Store
    from pocketbench.reports.figure_files import write_figures
    from pocketbench.reports.writer import write_report
    from pocketbench.workflow.report_suite import make_suite_report

    folder = out or options.REPORT_FOLDER
    open_folder(folder)
    report = make_suite_report(suite, artifacts or options.EXPORT_FOLDER, Store(), dataset=dataset)
    paths = [*write_report(report.table, folder), *write_figures(report.table, folder)]
    if as_json:
        click.echo(json.dumps([str(path) for path in paths]))
    else:
        for path in paths:
            click.echo(path)
    if report.table.result_count == 0:
        click.echo(f"nothing was measured yet: pocketbench profile --suite {suite}", err=True)
    if report.missing:
        names = ", ".join(f"{spec.name} {target}" for spec, target in report.missing)
        raise EnvironmentFault(f"the report lacks {names}: no current file", f"pocketbench export --suite {suite}")
