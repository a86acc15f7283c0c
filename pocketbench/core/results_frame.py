"""Results as a table for people: a row a session of a cell, summaries computed from its samples."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pocketbench.core.estimates import median, quantile, settle_bursts
from pocketbench.core.records import Measurement, RunResult
from pocketbench.core.sample_text import INFERENCE

if TYPE_CHECKING:
    import pandas

NS_PER_MS = 1e6
BYTES_PER_MB = 1e6
SUMMARY_COLUMNS = ("median_ms", "p90_ms", "n", "statistic", "cpu_median_ms", "load_ms", "first_ms", "peak_rss_mb")
COLUMNS = (
    *("model", "format", "precision", "lowering", "engine", "delegate", "threads", "core_mask"),
    *("device_name", "device", "session"),
    *SUMMARY_COLUMNS,
    *("caveats", "failure", "origin", "artifact_sha256", "time", "run_id", "git_commit"),
)


def results_frame(results: Iterable[RunResult]) -> pandas.DataFrame:
    """The results as a frame with the columns COLUMNS; what was not measured is empty."""
    import pandas

    frame = pandas.DataFrame([result_row(result) for result in results], columns=list(COLUMNS))
    # whole numbers, though failed sessions have no samples, and imports no threads
    return frame.astype({"n": "Int64", "threads": "Int64", "core_mask": "Int64"})


def result_row(result: RunResult) -> dict[str, object]:
    """One row. `n` counts the samples that are summarised: the first `settle_count` of a burst are not. `median_ms` is
    their median, and `statistic` says what a sample is: an inference, or the "mean" or "median" that a program printed
    of several; such samples have no 90th percentile of inferences. `origin` names the program that measured what was
    imported.

    Unit: ms and MB (a million bytes), as the names say.
    """
    failure = result.failure
    return {
        "model": result.artifact.model_name,
        "format": result.artifact.format,
        "precision": result.artifact.precision,
        "lowering": result.artifact.lowering,
        "engine": result.plan.engine,
        "delegate": result.plan.delegate,
        "threads": result.plan.thread_count,
        "core_mask": result.plan.core_mask,
        "device_name": result.device.name,
        "device": result.device.device_id,
        "session": result.session_index,
        **_summarise(result.measurement),
        "caveats": ", ".join(caveat.code for caveat in result.caveats),
        "failure": f"{failure.kind}: {failure.message}" if failure else None,
        "origin": result.origin.tool if result.origin is not None else None,
        "artifact_sha256": result.artifact.sha256,
        "time": result.conditions_before.taken_at,
        "run_id": result.run_id,
        "git_commit": result.git_commit,
    }


def _summarise(measurement: Measurement | None) -> dict[str, object]:
    if measurement is None:
        return dict.fromkeys(SUMMARY_COLUMNS)
    wall, cpu = (
        [
            sample
            for burst in settle_bursts(samples, measurement.burst_count, measurement.settle_count)
            for sample in burst
        ]
        for samples in (measurement.wall_ns, measurement.cpu_ns)
    )
    is_inference = measurement.sample_statistic == INFERENCE
    return {
        "median_ms": median(wall) / NS_PER_MS if wall else None,
        "p90_ms": quantile(wall, 0.9) / NS_PER_MS if wall and is_inference else None,
        "n": len(wall),
        "statistic": measurement.sample_statistic,
        "cpu_median_ms": median(cpu) / NS_PER_MS if cpu else None,
        "load_ms": _divide(measurement.load_ns, NS_PER_MS),
        "first_ms": _divide(measurement.first_ns, NS_PER_MS),
        "peak_rss_mb": _divide(measurement.peak_rss_bytes, BYTES_PER_MB),
    }


def _divide(value: int | None, unit: float) -> float | None:
    return None if value is None else value / unit
