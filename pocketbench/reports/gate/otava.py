"""The gate's report as CSV for Apache Otava: a row a run, so that the files of many runs can be joined.

Source: https://otava.apache.org, test type `csv`: a column of times, columns of numbers, columns of attributes.
"""

from __future__ import annotations

import csv
import io
import re

from pocketbench.core.gate_records import GateReport
from pocketbench.reports.gate.series import list_counts, list_timed, name_series
from pocketbench.reports.gate.wording import flatten_text

TIME_COLUMN = "time"
COMMIT_COLUMN = "commit"


def format_otava(report: GateReport) -> str:
    """One line of names and one of values: latency of head in ms, its ratio to base, and what was counted."""
    row: dict[str, str] = {
        TIME_COLUMN: flatten_text(report.started_at),
        COMMIT_COLUMN: flatten_text(report.head_commit or ""),
    }
    for cell in list_timed(report):
        assert cell.duel is not None
        row[_name_column(name_series(cell), "ms")] = repr(cell.duel.head_ns / 1e6)
        row[_name_column(name_series(cell), "ratio")] = repr(cell.duel.ratio.value)
    for cell, name, value in list_counts(report):
        row[_name_column(name_series(cell), name)] = repr(value)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(row)
    writer.writerow(row.values())
    return stream.getvalue()


def _name_column(series: str, measure: str) -> str:
    """A name that needs no quotes in CSV and YAML: "net.tflite.litert-1-thread.ms"."""
    parts = [re.sub(r"[^A-Za-z0-9._]+", "-", part).strip("-") for part in (*series.split(" on "), measure)]
    return ".".join(parts)
