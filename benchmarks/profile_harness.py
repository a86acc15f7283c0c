"""Does `pocketbench profile` report what the runtimes themselves take?

    python benchmarks/profile_harness.py model.onnx model.tflite

It prints (a) what timing a sample costs, with an engine that does nothing; (b) the ratio of our median to that of a
bare loop around onnxruntime, and (c) to one around LiteRT's interpreter, ours and the bare loop in processes that live
side by side and run bursts of 10 in turn; (d) the ratio to `litert-benchmark`, which can't be interleaved: whole runs
in turn (A B, B A). Each repetition starts fresh processes. The goal is a ratio within 2 % of 1. `litert-benchmark`
gives wall time alone, in steps of 0.01 ms: give it a model of some milliseconds. Close what else runs: the medians of a
busy machine differ by more than that; the 5th percentiles (p5) and the CPU times suffer less.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pocketbench.core.estimates import quantile, settle_bursts
from pocketbench.core.model_files import hash_model_file, measure_size
from pocketbench.core.records import Artifact, RunPlan
from pocketbench.profile.agent.agent import time_calls
from pocketbench.profile.archive import write_agent_archive
from pocketbench.profile.cell import Cell, describe_load
from pocketbench.profile.device import read_host_device
from pocketbench.profile.runtimes import engine_python, worker_command
from pocketbench.profile.session import profile_cells
from pocketbench.profile.worker import Worker

NO_OPERATION_COUNT = 20_000
WARMUP_COUNT = 20
BURST_COUNT = 10
SETTLE_COUNT = 3

# Written as a user would: no harness, one loop, two clocks.
BARE_LOOP = """
import json, sys, time
import numpy
path = sys.argv[1]
random = numpy.random.default_rng(0)
{load}
for line in sys.stdin:
    wall, cpu = [], []
    for _ in range(int(line)):
        cpu_start, start = time.thread_time_ns(), time.perf_counter_ns()
        run()
        wall.append(time.perf_counter_ns() - start)
        cpu.append(time.thread_time_ns() - cpu_start)
    print(json.dumps([wall, cpu]), flush=True)
"""
ONNXRUNTIME = """
import onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
feed = {x.name: random.random(x.shape, dtype=numpy.float32) for x in session.get_inputs()}
run = lambda: session.run(None, feed)
"""
LITERT = """
from ai_edge_litert.interpreter import Interpreter
interpreter = Interpreter(path, num_threads=1)
interpreter.allocate_tensors()
for x in interpreter.get_input_details():
    interpreter.set_tensor(x["index"], random.random(tuple(x["shape"]), dtype=numpy.float32))
run = interpreter.invoke
"""

LOW_FRACTION = 0.05


class Summary(NamedTuple):
    """Median and 5th percentile in ns; CPU time is None where it is not told."""

    wall: tuple[float, float]
    cpu: tuple[float, float] | None


def summarise(samples: Sequence[float]) -> tuple[float, float]:
    return quantile(samples, 0.5), quantile(samples, LOW_FRACTION)


def measure_ours(path: Path, engine: str, count: int) -> Summary:
    plan = RunPlan(
        engine=engine,
        session_count=1,
        warmup_count=WARMUP_COUNT,
        round_count=count // BURST_COUNT,
        burst_count=BURST_COUNT,
    )
    artifact = Artifact(
        spec=None,
        format=path.suffix[1:],
        precision=None,
        file_name=path.name,
        sha256=hash_model_file(path),
        size_bytes=measure_size(path),
        parity=None,
        graph_facts=None,
        model_facts=None,
        tools={},
        cache_key=None,
    )
    cell = Cell(artifact=artifact, path=path, plan=plan)
    (result,) = profile_cells([cell], run_id="benchmark", device=read_host_device(), on_result=lambda _: None)
    measurement = result.measurement
    if measurement is None:
        sys.exit(f"{path}: {result.failure}")
    wall, cpu = (
        [sample for burst in settle_bursts(samples, plan.burst_count, plan.settle_count) for sample in burst]
        for samples in (measurement.wall_ns, measurement.cpu_ns)
    )
    return Summary(summarise(wall), summarise(cpu))


Burst = tuple[list[int], list[int]]
"""Wall and CPU time of each inference, in ns."""


@contextlib.contextmanager
def start_ours(path: Path, engine: str) -> Iterator[Callable[[int], Burst]]:
    plan = RunPlan(engine=engine)
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(worker_command(engine_python(engine), write_agent_archive(Path(folder))))
        try:
            worker.request({"do": "load", **describe_load(path, plan)}, plan.timeout_s)

            def run_burst(count: int) -> Burst:
                reply = worker.request({"do": "burst", "count": count}, plan.timeout_s)
                return reply["wall_ns"], reply["cpu_ns"]

            yield run_burst
        finally:
            worker.kill()


@contextlib.contextmanager
def start_bare(path: Path, load: str) -> Iterator[Callable[[int], Burst]]:
    command = [sys.executable, "-c", BARE_LOOP.format(load=load), str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        source, sink = process.stdout, process.stdin

        def run_burst(count: int) -> Burst:
            sink.write(f"{count}\n")
            sink.flush()
            wall, cpu = json.loads(source.readline())
            return wall, cpu

        yield run_burst
        sink.close()


def measure_interleaved(path: Path, engine: str, load: str, count: int) -> tuple[Summary, Summary]:
    """Ours and a bare loop, bursts in turn, the first of each burst dropped on both sides."""
    with start_ours(path, engine) as ours, start_bare(path, load) as bare:
        sides = [ours, bare]
        kept: list[Burst] = [([], []), ([], [])]
        for side in sides:
            side(WARMUP_COUNT)
        for round_index in range(count // BURST_COUNT):
            for place in (0, 1) if round_index % 2 else (1, 0):
                wall, cpu = sides[place](BURST_COUNT)
                kept[place][0].extend(wall[SETTLE_COUNT:])
                kept[place][1].extend(cpu[SETTLE_COUNT:])
    mine, theirs = (Summary(summarise(wall), summarise(cpu)) for wall, cpu in kept)
    return mine, theirs


def measure_litert_benchmark(path: Path, count: int) -> Summary:
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        program = Path(sys.executable).with_name("litert-benchmark")
        command = [program, f"--model={path}", f"--num_runs={count}", f"--warmup_runs={WARMUP_COUNT}"]
        subprocess.run(
            [*command, "--num_threads=1", f"--result_json={result}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        latency = json.loads(result.read_text())["latency"]
        return Summary((latency["median_ms"] * 1e6, latency["p5_ms"] * 1e6), None)


def print_harness_cost() -> None:
    start = time.perf_counter_ns()
    wall, _ = time_calls([lambda: None] * NO_OPERATION_COUNT)
    cost = (time.perf_counter_ns() - start) / NO_OPERATION_COUNT
    print(f"timing a sample costs {cost:.0f} ns; of that, {statistics.median(wall):.0f} ns are in the sample")


def measure_against_litert_benchmark(path: Path, count: int, repetition: int) -> tuple[Summary, Summary]:
    """Whole runs, the first one ours in even repetitions."""
    if repetition % 2:
        theirs = measure_litert_benchmark(path, count)
        return measure_ours(path, "litert", count), theirs
    return measure_ours(path, "litert", count), measure_litert_benchmark(path, count)


def compare(name: str, measure: Callable[[int], tuple[Summary, Summary]], repetition_count: int) -> None:
    ratios: dict[str, list[float]] = {}
    for repetition in range(repetition_count):
        ours_now, other_now = measure(repetition)
        for clock, mine, theirs in (("wall", ours_now.wall, other_now.wall), ("CPU", ours_now.cpu, other_now.cpu)):
            if mine is None or theirs is None:
                continue
            print(
                f"  {name}, {clock}: {mine[0] / 1e6:.3f} / {theirs[0] / 1e6:.3f} ms = {mine[0] / theirs[0]:.4f}",
                flush=True,
            )
            ratios.setdefault(f"{clock} median", []).append(mine[0] / theirs[0])
            ratios.setdefault(f"{clock} p5", []).append(mine[1] / theirs[1])
    print(f"{name}, median of {repetition_count} ratios:", end=" ")
    print(", ".join(f"{key} {statistics.median(values):.4f}" for key, values in ratios.items()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("onnx", type=Path, help="an .onnx file with float32 inputs of fixed size")
    parser.add_argument("tflite", type=Path, help="a .tflite file with float32 inputs of fixed size")
    parser.add_argument("--repetitions", type=int, default=6, help="how often each pair is measured (default 6)")
    parser.add_argument("--runs", type=int, default=200, help="inferences a measurement, 10 or more (default 200)")
    options = parser.parse_args()
    count = options.runs

    print_harness_cost()
    for name, measure in (
        ("ours / bare onnxruntime", lambda _: measure_interleaved(options.onnx, "onnxruntime", ONNXRUNTIME, count)),
        ("ours / bare LiteRT", lambda _: measure_interleaved(options.tflite, "litert", LITERT, count)),
        ("ours / litert-benchmark", lambda at: measure_against_litert_benchmark(options.tflite, count, at)),
    ):
        compare(name, measure, options.repetitions)


if __name__ == "__main__":
    main()
