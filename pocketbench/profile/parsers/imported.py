"""What a file of another program says of one model, in pocketbench's terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pocketbench.core.records import DelegateCoverage, Measurement, OperatorTime, Summary
from pocketbench.profile.parsers.output_fault import check_sample, make_fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A measurement that somebody else took.

    `name` is what the file calls the model; `engine` ran it. They, `delegate`, `thread_count`, `device_model` and
    `os_version` are None where the file does not tell them. `notes` say as sentences what else the file tells. `tool`
    is the program that wrote it, where several write such files.
    """

    name: str | None
    measurement: Measurement
    engine: str | None
    delegate: str | None = None
    thread_count: int | None = None
    operators: tuple[OperatorTime, ...] | None = None
    coverage: DelegateCoverage | None = None
    device_model: str | None = None
    os_version: str | None = None
    notes: tuple[str, ...] = ()
    tool: str | None = None


def measure_samples(
    samples_ns: Sequence[int],
    *,
    resolution_ns: int,
    has_first: bool,
    load_ns: int | None = None,
    peak_bytes: int | None = None,
) -> Measurement:
    """The measurement of a program that keeps every inference.

    Args:
        has_first: whether the first sample is the process's first inference; it is kept and not summarised.

    Raises: OutputFault for no samples, or one that can't be true.
    """
    if len(samples_ns) <= has_first:
        raise make_fault(f"{len(samples_ns)} inferences are no measurement")
    for sample_ns in samples_ns:
        check_sample(sample_ns)
    return Measurement(
        wall_ns=tuple(samples_ns),
        cpu_ns=(),
        cpu_clock=None,
        burst_count=len(samples_ns),
        settle_count=int(has_first),
        warmup_wall_ns=(),
        load_ns=load_ns,
        first_ns=samples_ns[0] if has_first else None,
        peak_rss_bytes=peak_bytes,
        idle_rss_bytes=None,
        clock_resolution_ns=resolution_ns,
    )


def measure_summary(
    summary: Summary, statistic: str, *, resolution_ns: int, peak_bytes: int | None = None
) -> Measurement:
    """The measurement of a program that keeps a summary alone: its one sample is the mean or median that it tells.

    Raises: OutputFault when the summary contradicts itself.
    """
    sample_ns = summary.median_ns if statistic == "median" else summary.mean_ns
    assert sample_ns is not None
    check_sample(sample_ns)
    ascending = [
        value
        for value in (summary.min_ns, summary.p5_ns, summary.median_ns, summary.p95_ns, summary.max_ns)
        if value is not None
    ]
    least, most = summary.min_ns, summary.max_ns
    mean_ns = summary.mean_ns if summary.mean_ns is not None else sample_ns
    if (
        summary.count < 1
        or ascending != sorted(ascending)
        or (least is not None and mean_ns < least - resolution_ns)
        or (most is not None and mean_ns > most + resolution_ns)
    ):
        raise make_fault(f"the figures of a summary contradict one another: {summary}")
    return Measurement(
        wall_ns=(sample_ns,),
        cpu_ns=(),
        cpu_clock=None,
        burst_count=1,
        settle_count=0,
        warmup_wall_ns=(),
        load_ns=summary.load_ns,
        first_ns=summary.first_ns,
        peak_rss_bytes=peak_bytes,
        idle_rss_bytes=None,
        clock_resolution_ns=resolution_ns,
        sample_statistic=statistic,
        summaries=(summary,),
    )
