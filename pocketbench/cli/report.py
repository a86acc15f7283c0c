"""`pocketbench report`: the latency-vs-accuracy table of a suite, as Markdown, CSV, JSON and one HTML page."""

from __future__ import annotations

import json
from collections.abc import Sequence
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
@click.option(
    "--gradcam", metavar="DATASET", help="Instead: where the suite's trained networks see a class, on this data."
)
@options.as_json
def command(
    suite: str, artifacts: Path | None, out: Path | None, dataset: str | None, gradcam: str | None, as_json: bool
) -> None:
    """Write the table of a suite: parameters, M-Adds, size, latency, overhead and top-1 of each model; and its figures
    as SVG and PNG."""
    from pocketbench.core.model_files import open_folder
    from pocketbench.core.store import Store
    from pocketbench.reports.figure_files import MOST_FIGURES
    from pocketbench.reports.writer import write_report_and_pictures
    from pocketbench.workflow.report_suite import make_suite_report

    folder = out or options.REPORT_FOLDER
    open_folder(folder)
    if gradcam is not None:
        _draw_grad_cams(suite, gradcam, folder, as_json=as_json)
        return
    report = make_suite_report(suite, artifacts or options.EXPORT_FOLDER, Store(), dataset=dataset)
    paths = write_report_and_pictures(report.table, folder)
    _print_paths(paths, as_json=as_json)
    if len(report.table.runtimes) > MOST_FIGURES:
        count = len(report.table.runtimes)
        click.echo(f"{count} runtimes: pictures are drawn of {MOST_FIGURES} at most; the page has all", err=True)
    if report.table.result_count == 0:
        click.echo(f"no latency was measured yet: pocketbench profile --suite {suite}", err=True)
    if report.missing:
        names = ", ".join(f"{spec.name} {target}" for spec, target in report.missing)
        raise EnvironmentFault(f"the report lacks {names}: no current file", f"pocketbench export --suite {suite}")


def _draw_grad_cams(suite: str, data: str, folder: Path, *, as_json: bool) -> None:
    from pocketbench.workflow.grad_cam import write_grad_cams
    from pocketbench.workflow.trained_weights import TRAIN_FOLDER

    files = write_grad_cams(suite, data, folder, TRAIN_FOLDER)
    _print_paths(files.paths, as_json=as_json)
    for remark in files.remarks:
        click.echo(remark, err=True)
    if files.missing:
        raise EnvironmentFault(
            f"{len(files.missing)} networks have no trained weights", f"pocketbench train --suite {suite}"
        )


def _print_paths(paths: Sequence[Path], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([str(path) for path in paths]))
    else:
        for path in paths:
            click.echo(path)
