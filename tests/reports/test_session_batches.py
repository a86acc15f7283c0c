"""The statistics of many cells at once are those of one cell after the other, to the last digit."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from pocketbench.core.samples import Samples, pack_samples
from pocketbench.reports import session_batches
from pocketbench.reports.session_batches import summarise_latencies, summarise_overheads
from pocketbench.reports.sessions import ClockSamples, SessionId, pair_sessions, summarise_latency, summarise_overhead

Sessions = dict[SessionId, ClockSamples]
Draw = Callable[[random.Random], int]
DRAWS: dict[str, Draw] = {
    "milliseconds": lambda source: round(source.lognormvariate(16, 0.2)),
    "coarse": lambda source: 1000 * source.randrange(1, 5),
    "with zeros": lambda source: source.randrange(3),
    "minutes": lambda source: source.randrange(2**36, 2**37),
    "negative": lambda source: source.randrange(-5, 6),
    "near the end of what is exact": lambda source: 2**53 - source.randrange(1, 4),
    "beyond what is exact": lambda source: 2**53 + source.randrange(3),
    "beyond 64 bits": lambda source: 10**30 + source.randrange(1000),
}


def draw_clock(source: random.Random, draw: Draw, rounds: int, burst: int, settle: int, cut: int = 0) -> ClockSamples:
    numbers = tuple(draw(source) for _ in range(rounds * burst - cut))
    packed = pack_samples(numbers) if source.random() < 0.5 else None
    return ClockSamples(recorded=numbers if packed is None else Samples(packed), burst_count=burst, settle_count=settle)


def draw_cells(source: random.Random, draw: Draw, count: int) -> list[Sessions]:
    """Most are alike; some have other bursts, a last burst that was cut short, or none or one session."""
    cells = []
    for _ in range(count):
        rounds, burst, settle = source.choice([(4, 5, 2), (4, 5, 2), (1, 1, 0), (3, 2, 1), (6, 4, 0)])
        cut = source.choice([0, 0, 0, burst - settle - 1])
        names = range(source.choice([0, 1, 2, 3, 3, 7]))
        cells.append({("run", name): draw_clock(source, draw, rounds, burst, settle, cut) for name in names})
    return cells


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("at_once", [1, 300, 1_000_000])
def test_latencies(name: str, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_batches, "SAMPLES_AT_ONCE", at_once)
    cells = draw_cells(random.Random(name), DRAWS[name], 40)
    assert summarise_latencies(cells) == [summarise_latency(cell) for cell in cells]


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("at_once", [1, 1_000_000])
def test_overheads(name: str, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_batches, "SAMPLES_AT_ONCE", at_once)
    source = random.Random(name)
    variants, baselines = draw_cells(source, DRAWS[name], 40), draw_cells(source, DRAWS[name], 40)
    pairs = [pair_sessions(variant, [baseline]) for variant, baseline in zip(variants, baselines, strict=True)]
    assert summarise_overheads(pairs) == [
        summarise_overhead(variant, [baseline]) for variant, baseline in zip(variants, baselines, strict=True)
    ]


@pytest.mark.parametrize("name", ["milliseconds", "beyond what is exact", "beyond 64 bits"])
def test_what_a_program_summarised_itself_goes_one_by_one(name: str) -> None:
    clock = draw_clock(random.Random(name), DRAWS[name], 6, 1, 0)
    means = ClockSamples(recorded=clock.recorded, burst_count=1, settle_count=0, statistic="mean", sizes=(50,) * 6)
    cells: list[Sessions] = [{("run", 0): clock}, {("run", 0): means}, {("run", 0): clock, ("run", 1): means}]
    found = summarise_latencies(cells)
    assert found == [summarise_latency(cell) for cell in cells]
    assert [latency is not None and latency.p90_ns is not None for latency in found] == [True, False, False]


def test_nothing_is_summarised() -> None:
    assert summarise_latencies([]) == []
    assert summarise_latencies([{}]) == [None]
    assert summarise_overheads([[]]) == [None]


def test_most_cells_do_go_together(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(cell: Sessions) -> None:
        raise AssertionError(f"{len(cell)} sessions went alone")

    monkeypatch.setattr(session_batches, "summarise_latency", refuse)
    source = random.Random(1)
    cells = [
        {("run", name): draw_clock(source, DRAWS["milliseconds"], 20, 10, 3) for name in range(3)} for _ in range(5)
    ]
    assert len(summarise_latencies(cells)) == 5
