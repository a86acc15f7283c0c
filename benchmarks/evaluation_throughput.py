"""How much of a runtime's own throughput `pocketbench accuracy` keeps: reading, framing and ranking must not starve it.

    python benchmarks/evaluation_throughput.py FILE... --data DATASET [--threads 1,2] [--pictures 2000] [--rounds 5]
        [--mean ... --std ... --resize ... --interpolation ...]

Of each file, in turn in one process, round after round:

    runtime     inference after inference over arrays that are ready, by the engine that `pocketbench profile` times,
                with so many threads
    first       the evaluation of the same pictures, read from their files
    again       the evaluation of another file by the same pictures: they are kept, framed

Prints pictures a second by wall clock, CPU time a picture (of all threads) and, at one thread, that of the thread that
runs the file; each is a median over the rounds, with the ratios to the runtime's own.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pocketbench.accuracy.classifier import open_classifier
from pocketbench.accuracy.datasets.catalog import open_dataset
from pocketbench.accuracy.evaluate import evaluate_artifact
from pocketbench.accuracy.picture_stream import PictureStream
from pocketbench.core.paired_accuracies import choose_pictures
from pocketbench.profile.catalog import ENGINES
from pocketbench.workflow.accuracy_framing import frame_for, parse_framing
from pocketbench.workflow.accuracy_models import choose_engine
from pocketbench.workflow.accuracy_request import AccuracyRequest, make_request
from pocketbench.workflow.accuracy_worker import SWITCH_INTERVAL_S

READY_ARRAYS = 64


class Cost(NamedTuple):
    """Unit: seconds a picture."""

    wall_s: float
    process_s: float
    thread_s: float


def time_pictures(work: Callable[[], object], count: int) -> Cost:
    clocks = (time.perf_counter, time.process_time, time.thread_time)
    before = [clock() for clock in clocks]
    work()
    return Cost(*((clock() - start) / count for clock, start in zip(clocks, before, strict=True)))


def make_bare_loop(path: Path, engine_name: str, thread_count: int, shape: tuple[int, ...], count: int):
    engine = ENGINES.load(engine_name)()
    (tensor,) = engine.open(str(path), thread_count)
    engine.prepare({tensor.name: shape})
    call = engine.caller()
    ready = np.random.default_rng(0).standard_normal((READY_ARRAYS, *shape)).astype(np.float32)
    call(ready[0])

    def loop() -> None:
        for index in range(count):
            call(ready[index % READY_ARRAYS])

    return loop


def measure(request: AccuracyRequest, data: str, thread_count: int, picture_count: int, rounds: int) -> None:
    engine = choose_engine(request)
    dataset = open_dataset(data, "test")
    classifier = open_classifier(request.path, request.artifact.format, engine)
    taken = classifier.input
    preprocessing = request.preprocessing or frame_for(request.framing, taken.channels, taken.size)
    chosen = choose_pictures(len(dataset), picture_count)
    bare = make_bare_loop(request.path, engine, thread_count, taken.shape, len(chosen))
    costs: dict[str, list[Cost]] = {"runtime": [], "first": [], "again": []}

    def evaluate(stream: PictureStream) -> Callable[[], object]:
        return lambda: evaluate_artifact(classifier, request.path, request.artifact, stream, "", thread_count)

    for _ in range(rounds):
        stream = PictureStream(dataset, chosen, preprocessing)
        for name, work in (("runtime", bare), ("first", evaluate(stream)), ("again", evaluate(stream))):
            costs[name].append(time_pictures(work, len(chosen)))
    medians = {name: Cost(*map(statistics.median, zip(*found, strict=True))) for name, found in costs.items()}
    own = medians["runtime"]
    print(f"{engine}, {thread_count} threads, {len(chosen)} pictures, {request.path.name}")
    for name, cost in medians.items():
        speed = statistics.median(
            pair[0].wall_s / pair[1].wall_s for pair in zip(costs["runtime"], costs[name], strict=True)
        )
        thread = f", of its own thread {1e6 * cost.thread_s:8.1f} us ({own.thread_s / cost.thread_s:4.0%})"
        print(
            f"  {name:<8} {1 / cost.wall_s:8.1f} pictures/s ({speed:4.0%})  CPU {1e6 * cost.process_s:8.1f} us"
            f" ({own.process_s / cost.process_s:4.0%}){thread if thread_count == 1 else ''}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    for name in ("mean", "std", "crop", "interpolation"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--resize", type=int)
    options = parser.parse_args()
    framing = parse_framing(
        mean=options.mean,
        std=options.std,
        resize=options.resize,
        crop=options.crop,
        interpolation=options.interpolation,
    )
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    for path in options.files:
        for thread_count in map(int, options.threads.split(",")):
            measure(make_request(path, framing, None), options.data, thread_count, options.pictures, options.rounds)


if __name__ == "__main__":
    main()
