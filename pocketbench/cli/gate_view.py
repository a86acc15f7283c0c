"""What `pocketbench gate` and `pocketbench compare` show: the verdict on stdout, the report's files, the job's page."""

from __future__ import annotations

import os
from pathlib import Path

import click

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
    if as_json:
        click.echo(dump_record(report))
    else:
        click.echo(format_text(report), nl=False)
    paths = write_gate_files(report, folder)
    append_step_summary(format_summary(report), os.environ)
    click.echo(f"report: {', '.join(path.name for path in paths)} in {folder}", err=True)
