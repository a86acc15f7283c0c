"""How busy the machine is beside a trial, and a neighbour that keeps it busy."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

QUIET_FRACTION = 0.04
"""Of all cores together. A trial beside which others took more was not a quiet one and is done again."""
WAIT_S = 0.2
ARRAY_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Moment:
    """CPU seconds since the start of the machine, those that no process took and those that are ours."""

    total_s: float
    idle_s: float
    own_s: float


def read_moment() -> Moment:
    ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    hertz = os.sysconf("SC_CLK_TCK")
    return Moment(
        total_s=sum(ticks) / hertz,
        idle_s=(ticks[3] + ticks[4]) / hertz,
        own_s=sum(usage.ru_utime + usage.ru_stime for usage in own),
    )


def others_fraction(before: Moment, after: Moment) -> float:
    """The share of all cores' time that went to others."""
    total = after.total_s - before.total_s
    busy = total - (after.idle_s - before.idle_s) - (after.own_s - before.own_s)
    return max(0.0, busy / total) if total > 0 else 0.0


def wait_until_quiet() -> None:
    while True:
        before = read_moment()
        time.sleep(WAIT_S)
        if others_fraction(before, read_moment()) <= QUIET_FRACTION:
            return


@contextlib.contextmanager
def noisy_neighbour() -> Iterator[None]:
    """A process that keeps every core busy for as long as the block runs: it computes in its caches and streams through
    memory in turn."""
    neighbour = multiprocessing.get_context("spawn").Process(target=keep_busy, daemon=True)
    neighbour.start()
    try:
        yield
    finally:
        neighbour.kill()
        neighbour.join()


def keep_busy() -> None:
    os.setsid()  # Linux shares the time among sessions: the worker that is timed has one of its own, too
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    threads = [threading.Thread(target=burn, args=(os.getppid(),)) for _ in range(os.cpu_count() or 1)]
    for thread in threads:
        thread.start()


def burn(parent: int) -> None:
    import numpy

    small = numpy.ones((512, 512), dtype=numpy.float32)
    large = numpy.zeros(ARRAY_BYTES // 4, dtype=numpy.float32)
    while os.getppid() == parent:  # ends with the trials, however those end
        for _ in range(5):
            small = small @ small / numpy.float32(512)
        for _ in range(5):
            large += 1
