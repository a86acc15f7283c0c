"""The gate's report in the Bencher Metric Format, for `bencher run --adapter json --file bencher.json`.

Source: https://bencher.dev/docs/reference/bencher-metric-format/
"""

from __future__ import annotations

import json

from pocketbench.core.gate_records import GateReport
from pocketbench.reports.gate.series import flatten_name, list_counts, list_timed, name_series

LATENCY = "latency"
"""A measure that every project at Bencher has, in nanoseconds."""
RATIO = "latency-ratio"
FILE_SIZE = "file-size"
NAME_LIMIT = 1024
MEASURE_LIMIT = 64


def format_bmf(report: GateReport) -> str:
    """{benchmark: {measure: {"value", "lower_value", "upper_value"}}}.

    The latency has no bounds: what the duel knows an interval of is the ratio of head to base.
    """
    benchmarks: dict[str, dict[str, dict[str, float]]] = {}
    for cell in list_timed(report):
        assert cell.duel is not None
        ratio = cell.duel.ratio
        metric = {"value": ratio.value}
        if ratio.low is not None and ratio.high is not None:
            metric |= {"lower_value": ratio.low, "upper_value": ratio.high}
        measures = benchmarks.setdefault(name_series(cell)[:NAME_LIMIT], {})
        measures |= {LATENCY: {"value": cell.duel.head_ns}, RATIO: metric}
    for cell, name, value in list_counts(report):
        measure = FILE_SIZE if name == "size_bytes" else flatten_name(name).replace("_", "-")[:MEASURE_LIMIT]
        benchmarks.setdefault(name_series(cell)[:NAME_LIMIT], {})[measure] = {"value": value}
    return json.dumps(benchmarks, indent=2, allow_nan=False) + "\n"
