"""The runs of a cell, session by session, and what is computed from them: latency and overhead."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pocketbench.core.estimates import (
    Estimate,
    PairedOverhead,
    combine_sessions,
    estimate_paired_overhead,
    median,
    quantile,
    relative_spread,
    settle_bursts,
)
from pocketbench.core.records import Measurement, RunResult
from pocketbench.core.sample_text import INFERENCE, count_behind
from pocketbench.reports.records import Latency, Overhead

SessionId = tuple[str, int]
Layout = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSamples:
    """The samples of one session by one clock, as they were recorded; some are left when the bursts have settled.

    `statistic` says what a sample is, and `sizes` how many inferences stand behind each, where it is not one. `layout`
    is (rounds, burst, settle); None where the last burst was cut short, or a sample is no inference.
    """

    recorded: Sequence[int]
    burst_count: int
    settle_count: int
    statistic: str = INFERENCE
    sizes: tuple[int, ...] = ()
    layout: Layout | None = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Once, for it is asked for with every figure of every cell."""
        round_count, rest = divmod(len(self.recorded), self.burst_count)
        is_whole = not rest and self.statistic == INFERENCE and not self.sizes
        layout = (round_count, self.burst_count, self.settle_count) if is_whole else None
        object.__setattr__(self, "layout", layout)

    @property
    def samples(self) -> list[float]:
        """The settled ones."""
        return [sample for burst in self._settle() for sample in burst]

    @property
    def burst_medians(self) -> list[float]:
        """Of the settled samples of each burst."""
        return [median(burst) for burst in self._settle()]

    def _settle(self) -> list[Sequence[float]]:
        return settle_bursts(tuple(self.recorded), self.burst_count, self.settle_count)


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRuns:
    """All runs of one file on one runtime. `wall` and `cpu` hold the sessions that have settled samples."""

    wall: Mapping[SessionId, ClockSamples]
    cpu: Mapping[SessionId, ClockSamples]
    cpu_clocks: tuple[str, ...]
    session_count: int
    failures: tuple[str, ...]


def collect_cell(results: Iterable[RunResult]) -> CellRuns:
    """Sort the runs of one cell into sessions. A run that is listed twice counts once.

    A measurement without a settled sample is a failure of its session.
    """
    wall: dict[SessionId, ClockSamples] = {}
    cpu: dict[SessionId, ClockSamples] = {}
    clocks: dict[str, None] = {}
    failures: dict[SessionId, str] = {}
    for result in results:
        session = (result.run_id, result.session_index)
        measurement = result.measurement
        if session in wall:
            continue
        if measurement is None:
            failure = result.failure
            failures[session] = f"{failure.kind}: {failure.message}" if failure else "neither samples nor a failure"
            continue
        settled = _settle(
            measurement,
            measurement.wall_ns,
            measurement.sample_statistic,
            count_behind(measurement) if measurement.summaries else (),
        )
        if settled is None:
            failures[session] = (
                f"no settled sample: {len(measurement.wall_ns)} calls in bursts of {measurement.burst_count}, of which "
                f"the first {measurement.settle_count} are dropped"
            )
            continue
        failures.pop(session, None)
        wall[session] = settled
        settled_cpu = _settle(measurement, measurement.cpu_ns)
        if settled_cpu is not None and measurement.cpu_clock is not None:
            cpu[session] = settled_cpu
            clocks[measurement.cpu_clock] = None
    return CellRuns(
        wall=wall,
        cpu=cpu,
        cpu_clocks=tuple(clocks),
        session_count=len(wall) + len(failures),
        failures=tuple(failures.values()),
    )


def summarise_latency(sessions: Mapping[SessionId, ClockSamples]) -> Latency | None:
    """Median, 90th percentile and spread of all settled samples; the interval from the sessions' medians.

    None when there is no sample. Samples that are means or medians have no 90th percentile and no spread of inferences.
    """
    pooled = sorted(sample for session in sessions.values() for sample in session.samples)
    if not pooled:
        return None
    statistics = tuple(sorted({session.statistic for session in sessions.values()}))
    are_inferences = statistics == (INFERENCE,)
    return make_latency(
        median_ns=median(pooled),
        session_medians_ns=[median(session.samples) for session in sessions.values()],
        p90_ns=quantile(pooled, 0.9) if are_inferences else None,
        spread_ratio=relative_spread(pooled) if are_inferences else None,
        sample_count=len(pooled),
        statistics=statistics,
        sizes=[size for session in sessions.values() for size in session.sizes],
    )


def make_latency(
    *,
    median_ns: float,
    session_medians_ns: Sequence[float],
    p90_ns: float | None,
    spread_ratio: float | None,
    sample_count: int,
    statistics: tuple[str, ...] = (INFERENCE,),
    sizes: Sequence[int] = (),
) -> Latency:
    """The record, with the interval that the sessions' medians give."""
    # on the logarithm, as for ratios: a duration can't be below 0, however few and different the sessions are
    between = combine_sessions([math.log(max(1.0, one)) for one in session_medians_ns])
    return Latency(
        median_ns=median_ns,
        low_ns=None if between.low is None else min(math.exp(between.low), median_ns),
        high_ns=None if between.high is None else max(math.exp(between.high), median_ns),
        p90_ns=p90_ns,
        spread_ratio=spread_ratio,
        sample_count=sample_count,
        session_count=len(session_medians_ns),
        statistics=statistics,
        size_low=min(sizes, default=None),
        size_high=max(sizes, default=None),
        session_medians_ns=tuple(session_medians_ns),
    )


def summarise_overhead(
    variant: Mapping[SessionId, ClockSamples], baselines: Sequence[Mapping[SessionId, ClockSamples]]
) -> Overhead | None:
    """The variant against the baseline of the same session, burst by burst; None when they share no session.

    Args:
        baselines: the sessions of each file that may serve as the baseline; in a session the first that has it does.
    """
    pairs = pair_sessions(variant, baselines)
    overhead = estimate_paired_overhead((one.burst_medians, other.burst_medians) for one, other in pairs)
    return None if overhead is None else make_overhead(overhead)


def pair_sessions(
    variant: Mapping[SessionId, ClockSamples], baselines: Sequence[Mapping[SessionId, ClockSamples]]
) -> list[tuple[ClockSamples, ClockSamples]]:
    """The variant and its baseline, the first that has the session, in each session that has both; see
    `summarise_overhead`."""
    partners: dict[SessionId, ClockSamples] = {}
    for baseline in reversed(baselines):
        partners |= baseline
    return [(clock, partners[session]) for session, clock in variant.items() if session in partners]


def make_zero_overhead(latency: Latency) -> Overhead:
    """The overhead of the baseline over itself: none, by definition."""
    return Overhead(
        difference_ns=0.0,
        difference_low_ns=0.0,
        difference_high_ns=0.0,
        ratio=1.0,
        ratio_low=1.0,
        ratio_high=1.0,
        round_count=0,
        session_count=latency.session_count,
    )


def _settle(
    measurement: Measurement, recorded: Sequence[int], statistic: str = INFERENCE, sizes: tuple[int, ...] = ()
) -> ClockSamples | None:
    """None where no sample is left."""
    burst_count, settle_count = measurement.burst_count, measurement.settle_count
    if burst_count < 1 or settle_count < 0 or min(len(recorded), burst_count) <= settle_count:
        return None
    return ClockSamples(
        recorded=recorded, burst_count=burst_count, settle_count=settle_count, statistic=statistic, sizes=sizes
    )


def make_overhead(overhead: PairedOverhead) -> Overhead:
    """The record of an estimate."""
    difference: Estimate = overhead.difference
    ratio: Estimate = overhead.ratio
    return Overhead(
        difference_ns=difference.value,
        difference_low_ns=difference.low,
        difference_high_ns=difference.high,
        ratio=ratio.value,
        ratio_low=ratio.low,
        ratio_high=ratio.high,
        round_count=overhead.round_count,
        session_count=difference.session_count,
    )
