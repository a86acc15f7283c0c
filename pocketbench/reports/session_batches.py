"""The statistics of many cells at once, to the last digit those of `reports.sessions`, which say what they mean.

Cells whose sessions are of the same size stand in one array; whole numbers up to 2 ** 53 are exact in it. The others,
and what a program summarised itself, go one by one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pocketbench.core.estimates import combine_overheads, estimate_paired_overhead
from pocketbench.core.samples import HEAD, WIDTHS, Samples
from pocketbench.reports.records import Latency, Overhead
from pocketbench.reports.sessions import (
    ClockSamples,
    Layout,
    SessionId,
    make_latency,
    make_overhead,
    summarise_latency,
)

if TYPE_CHECKING:
    import numpy

SAMPLES_AT_ONCE = 1_000_000  # 8 MB an array
_EXACT = 2**53
_WIDEST = 8  # bytes of a number; in fewer, all are exact
_KINDS = {code: f"<{'i' if code == 'q' else 'u'}{width}" for code, width in WIDTHS.items()}

Pairs = Sequence[tuple[ClockSamples, ClockSamples]]


def summarise_latencies(cells: Sequence[Mapping[SessionId, ClockSamples]]) -> list[Latency | None]:
    """`summarise_latency` of each cell."""
    found: dict[int, Latency | None] = {}
    for layout, places in _group_by_layout([list(cell.values()) for cell in cells]):
        session_count, round_count, burst_count, settle_count = layout
        for some in _split(places, session_count * round_count * burst_count):
            clocks = [clock for place in some for clock in cells[place].values()]
            samples = _read_settled(clocks, burst_count, settle_count)
            if samples is not None:
                latencies = _summarise(samples.reshape(len(some), session_count, -1))
                found |= dict(zip(some, latencies, strict=True))
    return [found[place] if place in found else summarise_latency(cell) for place, cell in enumerate(cells)]


def summarise_overheads(cells: Sequence[Pairs]) -> list[Overhead | None]:
    """`summarise_overhead` of each cell, from its pairs of sessions (`pair_sessions`)."""
    found: dict[int, Overhead | None] = {}
    variants = dict(_group_by_layout([[variant for variant, _ in pairs] for pairs in cells]))
    baselines = {
        place: layout
        for layout, places in _group_by_layout([[baseline for _, baseline in pairs] for pairs in cells])
        for place in places
    }
    for layout, places in variants.items():
        session_count, round_count, burst_count, settle_count = layout
        alike = [place for place in places if baselines.get(place) == layout]
        for some in _split(alike, 2 * session_count * round_count * burst_count):
            sides = [
                _find_burst_medians([pair[side] for place in some for pair in cells[place]], burst_count, settle_count)
                for side in (0, 1)
            ]
            if sides[0] is not None and sides[1] is not None and sides[0].min() > 0 and sides[1].min() > 0:
                overheads = _compare(*(side.reshape(len(some), session_count, -1) for side in sides))
                found |= dict(zip(some, overheads, strict=True))
    return [found[place] if place in found else _summarise_overhead(pairs) for place, pairs in enumerate(cells)]


def _summarise_overhead(pairs: Pairs) -> Overhead | None:
    overhead = estimate_paired_overhead((one.burst_medians, other.burst_medians) for one, other in pairs)
    return None if overhead is None else make_overhead(overhead)


def _group_by_layout(cells: Sequence[Sequence[ClockSamples]]) -> list[tuple[Layout, list[int]]]:
    """The places of the cells whose sessions are all alike, by (sessions, rounds, burst, settle)."""
    groups: dict[Layout, list[int]] = {}
    for place, clocks in enumerate(cells):
        layouts = {clock.layout for clock in clocks}
        layout = layouts.pop() if len(layouts) == 1 else None
        if layout is not None:
            groups.setdefault((len(clocks), *layout), []).append(place)
    return list(groups.items())


def _split(places: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    """The places, so many at a time that all their samples fit into an array of SAMPLES_AT_ONCE."""
    step = max(1, SAMPLES_AT_ONCE // size)
    return (places[start : start + step] for start in range(0, len(places), step))


def _read_settled(clocks: Sequence[ClockSamples], burst_count: int, settle_count: int) -> Any:
    """The settled samples, (clock, round, place in the burst); None where a number is too large to be exact."""
    rows = _read_rows([clock.recorded for clock in clocks])
    if rows is None:
        return None
    samples = rows.reshape(len(clocks), -1, burst_count)[:, :, settle_count:]
    if samples.itemsize == _WIDEST and (samples.max() >= _EXACT or samples.min() <= -_EXACT):
        return None
    return samples


def _read_rows(series: Sequence[Sequence[int]]) -> Any:
    """Series of one length, (series, sample); None where a number has more than 64 bits."""
    import numpy

    packed = [item.packed for item in series if isinstance(item, Samples)]
    if len(packed) == len(series) and len(set(map(len, packed))) == 1:
        rows = numpy.frombuffer(b"".join(packed), numpy.uint8).reshape(len(packed), -1)
        heads, numbers = rows[:, : HEAD.size], rows[:, HEAD.size :]
        if (heads == heads[0]).all():
            return numpy.ascontiguousarray(numbers).view(_KINDS[chr(heads[0, 0])])
    try:
        return numpy.array([tuple(item) for item in series], dtype=numpy.int64)
    except OverflowError:
        return None


def _summarise(samples: numpy.ndarray) -> list[Latency]:
    """Shape: (cell, session, sample)."""
    import numpy

    cell_count, _, size = samples.shape
    by_session = numpy.sort(samples, axis=2)
    session_medians = _quantile(by_session, 0.5).tolist()
    pooled = numpy.sort(by_session.reshape(cell_count, -1), axis=1)
    quantiles = [_quantile(pooled, fraction).tolist() for fraction in (0.5, 0.9, 0.25, 0.75)]
    return [
        make_latency(
            median_ns=middle,
            session_medians_ns=medians,
            p90_ns=p90,
            spread_ratio=None if middle == 0 else (upper - lower) / middle,
            sample_count=size * len(medians),
        )
        for medians, middle, p90, lower, upper in zip(session_medians, *quantiles, strict=True)
    ]


def _find_burst_medians(clocks: Sequence[ClockSamples], burst_count: int, settle_count: int) -> Any:
    """Shape: (clock, round). A baseline stands in many pairs, and is computed once."""
    import numpy

    distinct = {id(clock): clock for clock in clocks}
    samples = _read_settled(list(distinct.values()), burst_count, settle_count)
    if samples is None:
        return None
    places = {key: place for place, key in enumerate(distinct)}
    medians = _quantile(numpy.sort(samples, axis=2), 0.5)
    return medians[[places[id(clock)] for clock in clocks]]


def _compare(variant: numpy.ndarray, baseline: numpy.ndarray) -> list[Overhead]:
    """Shape: (cell, session, round), of burst medians above 0."""
    import numpy

    round_count = variant.shape[2]
    differences = _quantile(numpy.sort(variant - baseline, axis=2), 0.5).tolist()
    # The logarithm keeps the order: only the ratios in the middle are needed, and numpy's differs in the last digit.
    below, above, part = _find_neighbours(round_count, 0.5)
    ratios = numpy.sort(variant / baseline, axis=2)[:, :, [below, above]].tolist()
    return [
        make_overhead(
            combine_overheads(
                by_session,
                [math.log(low) + part * (math.log(high) - math.log(low)) for low, high in middles],
                round_count * len(by_session),
            )
        )
        for by_session, middles in zip(differences, ratios, strict=True)
    ]


def _quantile(ordered: numpy.ndarray, fraction: float) -> numpy.ndarray:
    """`core.estimates.quantile` along the last axis, which is sorted."""
    below, above, part = _find_neighbours(ordered.shape[-1], fraction)
    # whole numbers stay as narrow as they were stored while they are sorted; differences of unsigned ones need a sign
    low, high = (ordered[..., place].astype(float) for place in (below, above))
    between: numpy.ndarray = low + part * (high - low)
    return between


def _find_neighbours(count: int, fraction: float) -> tuple[int, int, float]:
    position = (count - 1) * fraction
    below = math.floor(position)
    return below, min(below + 1, count - 1), position - below
