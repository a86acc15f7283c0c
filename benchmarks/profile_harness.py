"""Does `pocketbench profile` report what the runtimes themselves take?

    python benchmarks/profile_harness.py model.onnx model.tflite

It prints (a) what timing a sample costs, with an engine that does nothing; (b) the ratio of our median to that of a
bare loop around onnxruntime; (c) the same for a bare loop around LiteRT's interpreter and for `litert-benchmark`. Each
measurement is a fresh process, ours and the others in turn (A B, B A), so that a slow minute falls on both. The goal is
a ratio within 2 % of 1. `litert-benchmark` gives wall time alone, in steps of 0.01 ms: give it a model of some
milliseconds. Close what else runs: the wall times of a busy machine differ by more than that.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pocketbench.core.estimates import settle_bursts
from pocketbench.core.model_files import hash_model_file, measure_size
from pocketbench.core.records import Artifact, RunPlan
from pocketbench.profile.agent import time_burst
from pocketbench.profile.cell import Cell
from pocketbench.profile.device import read_host_device
from pocketbench.profile.session import profile_cells

NO_OPERATION_COUNT = 20_000
WARMUP_COUNT = 20
BURST_COUNT = 10

# Written as a user would: no harness, one loop, two clocks.
BARE_LOOP = """
import json, sys, time
import numpy
path, count = sys.argv[1], int(sys.argv[2])
random = numpy.random.default_rng(0)
{load}
for _ in range({warmup}):
    run()
wall, cpu = [], []
for _ in range(count):
    cpu_start, start = time.thread_time_ns(), time.perf_counter_ns()
    run()
    wall.append(time.perf_counter_ns() - start)
    cpu.append(time.thread_time_ns() - cpu_start)
print(json.dumps([wall, cpu]))
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

Medians = tuple[float, float | None]
"""Median wall and CPU time in ns."""


def measure_ours(path: Path, engine: str, count: int) -> Medians:
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
        statistics.median(
            sample for burst in settle_bursts(samples, plan.burst_count, plan.settle_count) for sample in burst
        )
        for samples in (measurement.wall_ns, measurement.cpu_ns)
    )
    return wall, cpu


def measure_bare(path: Path, load: str, count: int) -> Medians:
    script = BARE_LOOP.format(load=load, warmup=WARMUP_COUNT)
    done = subprocess.run(
        [sys.executable, "-c", script, str(path), str(count)], stdout=subprocess.PIPE, text=True, check=True
    )
    wall, cpu = json.loads(done.stdout)
    return statistics.median(wall), statistics.median(cpu)


def measure_litert_benchmark(path: Path, count: int) -> Medians:
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
        return json.loads(result.read_text())["latency"]["median_ms"] * 1e6, None


def print_harness_cost() -> None:
    start = time.perf_counter_ns()
    wall, _ = time_burst(lambda: None, NO_OPERATION_COUNT)
    cost = (time.perf_counter_ns() - start) / NO_OPERATION_COUNT
    print(f"timing a sample costs {cost:.0f} ns; of that, {statistics.median(wall):.0f} ns are in the sample")


def compare(name: str, ours: Callable[[], Medians], other: Callable[[], Medians], repetition_count: int) -> None:
    pairs = []
    for repetition in range(repetition_count):
        if repetition % 2:
            theirs = other()
            pairs.append((ours(), theirs))
        else:
            pairs.append((ours(), other()))
        (our_wall, our_cpu), (other_wall, other_cpu) = pairs[-1]
        line = f"  {name}: wall {our_wall / 1e6:.3f} / {other_wall / 1e6:.3f} ms = {our_wall / other_wall:.4f}"
        if our_cpu is not None and other_cpu is not None:
            line += f"; CPU {our_cpu / 1e6:.3f} / {other_cpu / 1e6:.3f} ms = {our_cpu / other_cpu:.4f}"
        print(line, flush=True)
    walls = [mine[0] / theirs[0] for mine, theirs in pairs]
    line = f"{name}: median ratio of {repetition_count}, wall {statistics.median(walls):.4f}"
    cpus = [mine[1] / theirs[1] for mine, theirs in pairs if mine[1] is not None and theirs[1] is not None]
    print(line + (f", CPU {statistics.median(cpus):.4f}" if cpus else ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("onnx", type=Path, help="an .onnx file with float32 inputs of fixed size")
    parser.add_argument("tflite", type=Path, help="a .tflite file with float32 inputs of fixed size")
    parser.add_argument("--repetitions", type=int, default=6, help="how often each pair is measured (default 6)")
    parser.add_argument("--runs", type=int, default=200, help="inferences a measurement, 10 or more (default 200)")
    options = parser.parse_args()
    count = options.runs

    print_harness_cost()
    for name, ours, other in (
        (
            "ours / bare onnxruntime",
            lambda: measure_ours(options.onnx, "onnxruntime", count),
            lambda: measure_bare(options.onnx, ONNXRUNTIME, count),
        ),
        (
            "ours / bare LiteRT",
            lambda: measure_ours(options.tflite, "litert", count),
            lambda: measure_bare(options.tflite, LITERT, count),
        ),
        (
            "ours / litert-benchmark",
            lambda: measure_ours(options.tflite, "litert", count),
            lambda: measure_litert_benchmark(options.tflite, count),
        ),
    ):
        compare(name, ours, other, options.repetitions)


if __name__ == "__main__":
    main()
