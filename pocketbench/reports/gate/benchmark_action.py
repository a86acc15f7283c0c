"""The gate's report for github-action-benchmark, tool `customSmallerIsBetter`.

Source: https://github.com/benchmark-action/github-action-benchmark (name, unit and value; range and extra are text)
"""

from __future__ import annotations

import json

from pocketbench.core.gate_records import GateReport
from pocketbench.reports.gate.series import flatten_name, list_counts, list_timed, name_series
from pocketbench.reports.gate.wording import flatten_text, format_fine_ratio, format_interval

_UNITS = {"size_bytes": "bytes", "peak_rss_bytes": "bytes", "parity_error": "relative"}


def format_benchmark_action(report: GateReport) -> str:
    """[{"name", "unit", "value", "range", "extra"}]: the latency of head, and what was counted in its files."""
    entries: list[dict[str, str | float]] = []
    for cell in list_timed(report):
        assert cell.duel is not None
        entry: dict[str, str | float] = {"name": name_series(cell), "unit": "ms", "value": cell.duel.head_ns / 1e6}
        interval = format_interval(cell.duel.ratio)
        if interval:
            entry["range"] = f"{interval} of base"
        entry["extra"] = (
            f"{cell.verdict}: {flatten_text(cell.reason)}\nratio {format_fine_ratio(cell.duel.ratio.value)}"
        )
        entries.append(entry)
    for cell, name, value in list_counts(report):
        entries.append(
            {"name": f"{name_series(cell)}: {flatten_name(name)}", "unit": _UNITS.get(name, "count"), "value": value}
        )
    return json.dumps(entries, indent=2, allow_nan=False) + "\n"
