"""What a profiler costs, taken off the times it reports."""

from __future__ import annotations

from collections.abc import Sequence


def find_cost_ns(times_ns: Sequence[float], call_counts: Sequence[int], whole_ns: float) -> float:
    """The profiler's own time for a call: the c >= 0 for which the max(0, t_i - n_i c) add up to `whole_ns`.

    A profiler does the same for every call. Where the operators take less than the whole there is nothing to take off.

    Args:
        times_ns: of each operator in an inference, with the profiler.
        call_counts: how often the inference called it.
        whole_ns: of an inference without the profiler.
    """
    remaining_ns = sum(times_ns)
    calls = sum(call_counts)
    # an operator is at 0 from c = t/n on: beyond each such c fewer of them pay
    for time_ns, count in sorted(zip(times_ns, call_counts, strict=True), key=lambda item: item[0] / item[1]):
        cost_ns = (remaining_ns - whole_ns) / calls
        if cost_ns <= time_ns / count:
            return max(0.0, cost_ns)
        remaining_ns -= time_ns
        calls -= count
    return 0.0
