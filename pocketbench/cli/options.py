"""Options and default places that several verbs share."""

from __future__ import annotations

from pathlib import Path

import click

EXPORT_FOLDER = Path("out/export")
REPORT_FOLDER = Path("out/report")

as_json = click.option("--json", "as_json", is_flag=True, help="Print data as JSON.")
