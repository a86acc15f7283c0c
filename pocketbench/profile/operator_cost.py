"""What a profiler costs, taken off the times it reports."""

from __future__ import annotations

from collections.abc import Sequence


def take_off_cost(times_ns: Sequence[float], call_counts: Sequence[int], whole_ns: float) -> list[float]:
    """The times less the profiler's cost: max(0, t_i - n_i * c), with the c >= 0 for which they add up to `whole_ns`.

    A profiler does the same for every call of an operator: c is its time for that. Where the operators take less than
    the whole there is nothing to take off, and the remainder was spent between them.

    Args:
        times_ns: of each operator in an inference, with the profiler.
        call_counts: how often the inference called it.
        whole_ns: of an inference without the profiler.
    """
    if sum(times_ns) <= whole_ns:
        return list(times_ns)
    # an operator is at 0 from c = t/n on: beyond each such c fewer of them pay
    order = sorted(range(len(times_ns)), key=lambda index: times_ns[index] / call_counts[index])
    remaining_ns = sum(times_ns)
    calls = sum(call_counts)
    cost_ns = 0.0
    for index in order:
        cost_ns = (remaining_ns - whole_ns) / calls
        if cost_ns <= times_ns[index] / call_counts[index]:
            break
        remaining_ns -= times_ns[index]
        calls -= call_counts[index]
    return [max(0.0, time_ns - count * cost_ns) for time_ns, count in zip(times_ns, call_counts, strict=True)]
