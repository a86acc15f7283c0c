"""Reasons to read a latency with care, found from what was recorded."""

from __future__ import annotations

from collections.abc import Sequence

from pocketbench.core.estimates import median, settle_bursts
from pocketbench.core.records import Caveat, Conditions, Measurement, RunPlan
from pocketbench.profile.state_caveats import find_state_caveats
from pocketbench.profile.throttling import check_throttling

# Time on the clock and not on the processor. A quiet machine shows under 2 %; above 10 % the wall clock says more about
# the neighbours than about the model.
PREEMPTED_RATIO = 1.10
# TFLite's benchmark_model runs at least 50 inferences; below, the median of a quiet machine still moves by percents.
FEW_SAMPLES = 50
# The median can't be better than the clock: above 1 % the clock is a visible part of it.
COARSE_CLOCK_FRACTION = 0.01
# Sessions of one model on a quiet machine differ by about 2 %; a trend beyond that is heat, a clock change, or a leak.
DRIFT_FRACTION = 0.03
# Medians of fewer bursts differ that much by chance.
DRIFT_BURSTS = 3


def find_caveats(
    measurement: Measurement,
    before: Conditions,
    after: Conditions,
    plan: RunPlan,
    *,
    core_count: int | None,
    is_virtual: bool | None,
    own_load: float,
    assumed_batch: Sequence[str],
) -> tuple[Caveat, ...]:
    """Every reason to read `measurement` with care, in a fixed order.

    Args:
        core_count: cores that the worker could use.
        is_virtual: whether the machine is a virtual one.
        own_load: how much of the load average before the session may be our own earlier session.
        assumed_batch: the inputs whose open batch dimension was taken as 1.
    """
    if plan.core_mask is not None:
        core_count = plan.core_mask.bit_count()
    found = [
        _check_batch(assumed_batch),
        *find_state_caveats(before, after, plan, core_count=core_count, own_load=own_load),
        check_throttling(before, after),
        _check_threads(plan, core_count),
        _check_virtual(is_virtual),
        *_check_samples(measurement),
    ]
    return tuple(caveat for caveat in found if caveat is not None)


def _check_batch(assumed_batch: Sequence[str]) -> Caveat | None:
    if not assumed_batch:
        return None
    return Caveat(
        code="assumed_batch_1", text=f"the batch size of input {', '.join(assumed_batch)} is open and was taken as 1"
    )


def _check_threads(plan: RunPlan, core_count: int | None) -> Caveat | None:
    if core_count is None or (plan.thread_count or 1) <= core_count:
        return None
    return Caveat(code="oversubscribed", text=f"{plan.thread_count} threads shared {core_count} cores")


def _check_virtual(is_virtual: bool | None) -> Caveat | None:
    if not is_virtual:
        return None
    return Caveat(code="virtual_machine", text="measured in a virtual machine: neighbours on the host are not visible")


def _check_samples(measurement: Measurement) -> list[Caveat | None]:
    wall = settle_bursts(measurement.wall_ns, measurement.burst_count, measurement.settle_count)
    cpu = settle_bursts(measurement.cpu_ns, measurement.burst_count, measurement.settle_count)
    wall_median = median(sample for burst in wall for sample in burst)
    single = measurement.cpu_clock == "thread"
    return [
        _check_count(measurement, sum(map(len, wall))),
        _check_clock(measurement, wall_median),
        _check_preemption(wall_median, median(sample for burst in cpu for sample in burst)) if single else None,
        _check_drift(cpu, "CPU time") if single else _check_drift(wall, "wall time"),
    ]


def _check_count(measurement: Measurement, sample_count: int) -> Caveat | None:
    """Of a program that keeps no samples, the inferences that it summarised count."""
    if measurement.summaries:
        sample_count = sum(summary.count for summary in measurement.summaries)
    if sample_count >= FEW_SAMPLES:
        return None
    return Caveat(
        code="few_samples", text=f"only {sample_count} samples are summarised; {FEW_SAMPLES} or more are usual"
    )


def _check_clock(measurement: Measurement, wall_median: float) -> Caveat | None:
    if measurement.clock_resolution_ns <= COARSE_CLOCK_FRACTION * wall_median:
        return None
    return Caveat(
        code="coarse_clock",
        text=f"the clock steps by {measurement.clock_resolution_ns} ns, a visible part of {wall_median:.0f} ns",
    )


def _check_preemption(wall_median: float, cpu_median: float) -> Caveat | None:
    if wall_median <= PREEMPTED_RATIO * cpu_median:
        return None
    return Caveat(
        code="preempted",
        text=f"the wall time is {wall_median / cpu_median:.2f} times the CPU time: the model waited for something else"
        if cpu_median
        else "no CPU time was spent: the model waited all the time",
    )


def _check_drift(bursts: Sequence[Sequence[float]], clock: str) -> Caveat | None:
    third = len(bursts) // 3
    if third < DRIFT_BURSTS:
        return None
    first = median(sample for burst in bursts[:third] for sample in burst)
    last = median(sample for burst in bursts[-third:] for sample in burst)
    if not first or abs(last / first - 1) <= DRIFT_FRACTION:
        return None
    return Caveat(
        code="drift",
        text=f"the {clock} of the last third of the session is {last / first - 1:+.1%} off the first third's",
    )
