"""What `pocketbench gate` and `pocketbench compare` show: the verdict on stdout, the report's files, the job's page."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from pocketbench.cli.progress import watch
from pocketbench.core.gate_records import GateReport
from pocketbench.core.jsonio import dump_record
from pocketbench.reports.gate.summary import format_summary
from pocketbench.reports.gate.text import format_text
from pocketbench.reports.gate.writer import append_step_summary, write_gate_files


def show_report(report: GateReport, *, as_json: bool, folder: Path) -> None:
    """Print the verdict, then write the files into `folder`; where they are is said on stderr.

    Printed first: a disk that is full must not hide what took minutes to find out.

    Raises:
        FileFault: when the files can't be written.
    """
    print_report(report, as_json=as_json)
    paths = write_gate_files(report, folder)
    append_step_summary(format_summary(report), os.environ)
    click.echo(f"report: {', '.join(path.name for path in paths)} in {folder}", err=True)


def print_report(report: GateReport, *, as_json: bool) -> None:
    if as_json:
        click.echo(dump_record(report))
    else:
        click.echo(format_text(report), nl=False)


@contextmanager
def watch_gate() -> Iterator[Callable[[int, int, str], None]]:
    """A progress bar over the cells; it draws when told something new, never while a model is timed."""
    with watch("comparing", total=1, still=True) as bar:

        def on_progress(done: int, total: int, text: str) -> None:
            bar.describe(text)
            bar.move(done, total)

        yield on_progress
