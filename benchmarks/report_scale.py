"""How long a report takes over 100,000 results, and how much memory: stage by stage, and the whole command.

    python benchmarks/report_scale.py [--shape deep|wide|nightly] [--keep FOLDER] [--stages | --command | --history]

100,000 results, each 20 rounds of 10 inferences with wall and CPU time, as a lab could have them:

  deep     42 models x 2 formats x 1, 2 and 4 threads x 20 boards x 20 sessions, all in one report: 5,040 latencies
  wide     99 models x 2 formats x 1, 2 and 4 threads x 56 boards x 3 sessions, all in one report: 33,264 latencies
  nightly  42 models x 2 formats x 1, 2 and 4 threads x 1 board x 3 sessions, at 132 commits: the report shows the
           newest 756 results, `history` all of them

CPU seconds of the shape "deep" on 2 cores of an AMD EPYC (virtual machine, busy with other processes: a quiet one takes
less). First before and after samples were stored in binary and cells computed together (docs/decisions/0016), then, on
another day of the same machine, before and after 0018 (what a report makes once):

                          0016              0018
  reading                 102.3 -> 6.4      7.1 -> 4.6
  make_table               27.3 -> 4.3      5.6 -> 2.9
  HTML                     29.2 -> 5.1      4.3 -> 2.7    34 MB -> 20 MB
  Markdown, CSV, JSON       2.1 -> 2.0      1.9 -> 1.3
  the whole command                        25.5 -> 19.9   (medians of 3; 12 pictures of it, in a process beside: 8)
  the same, no pictures, idle machine               10.0  (wall 9.9; more than 12 runtimes are not drawn any more)
  peak memory           3,089 -> 565 MB     600 -> 532 MB

The forms of a report of 8 rows and 40 lines: 2.1 -> 0.5. `history` over "nightly": 123.1 -> 17.1 by 0016, 19.2 over a
database of the first schema, 12.2 on an idle machine. `report` over "nightly" there: 6.5, wall 4.1 (5.8 before its
six pictures were drawn on both cores).

The files of the models are stand-ins with the records of real ones: a report reads no more of a file than its hash.
CPU time is that of the process (of a command: with its children), memory the peak of what was resident.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy

from pocketbench.core.jsonio import write_record
from pocketbench.core.records import (
    Artifact,
    Caveat,
    Conditions,
    CoreState,
    Device,
    GraphFacts,
    Measurement,
    ModelFacts,
    Parity,
    RunPlan,
    RunResult,
    TensorFacts,
)
from pocketbench.core.store import Store

BLOCKS = (None, "se", "eca", "cbam", "ca", "ca_x", "ca_y", "simam", "gc", "ela", "triplet", "ese", "scse", "ge")
WIDTHS = (1.0, 0.75, 0.5, 0.35, 1.1, 1.2, 1.4)
ENGINES = {"onnx": "onnxruntime", "tflite": "litert"}
THREADS = (1, 2, 4)
ROUNDS, BURST, SETTLE = 20, 10, 3
AT_ONCE = 1000


@dataclasses.dataclass(frozen=True)
class Shape:
    model_count: int
    device_count: int
    session_count: int
    run_count: int = 1


SHAPES = {"deep": Shape(42, 20, 20), "wide": Shape(99, 56, 3), "nightly": Shape(42, 1, 3, 132)}


def write_suite(shape: Shape, folder: Path) -> Path:
    """A suite of as many models: each width of MobileNetV2 with each block."""
    lines = ["format = 1", 'title = "100,000 results"', 'formats = ["onnx", "tflite"]']
    lines += ['engines = ["onnxruntime", "litert"]', "threads = [1, 2, 4]"]
    lines += ["[plan]", f"sessions = {shape.session_count}"]
    models = [(width, block) for width in WIDTHS for block in BLOCKS]
    models += [(0.25, None)]
    for width, block in models[: shape.model_count]:
        lines += ["[[model]]", 'backbone = "mobilenet_v2"', f"width = {width}"]
        lines += [f'attention = "{block}"'] if block else []
    path = folder / "scale.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def write_artifacts(suite_file: Path, folder: Path) -> list[Artifact]:
    """A stand-in for each file of the suite, current by its record."""
    from pocketbench.export.naming import name_artifact, record_path
    from pocketbench.workflow.cache_keys import make_static_key
    from pocketbench.workflow.model_request import list_suite_variants
    from pocketbench.workflow.suites import read_suite

    folder.mkdir(exist_ok=True)
    artifacts = []
    for spec, target in list_suite_variants(read_suite(str(suite_file))):
        path = folder / name_artifact(spec, target)
        path.write_bytes(path.name.encode())
        artifact = Artifact(
            spec=spec,
            format=target.format,
            precision=target.precision,
            file_name=path.name,
            sha256=hashlib.sha256(path.name.encode()).hexdigest(),
            size_bytes=len(path.name),
            parity=Parity(
                reference="torch",
                runtime="onnxruntime",
                input_count=3,
                max_abs_error=1.1e-5,
                relative_error=2.1e-6,
                relative_tolerance=1e-3,
                output_spread_ratio=0.51,
            ),
            graph_facts=GraphFacts(
                parameter_count=3_950_000,
                mac_count=306_700_000,
                operator_counts={"Conv": 120, "Add": 10, "Clip": 35, "Mul": 34, "ReduceMean": 34, "Concat": 17},
                layout_operator_count=3,
                partition_count=None,
                outside_delegate_count=None,
                dynamic_shapes=False,
                inputs=(TensorFacts(name="input", dtype="float32", shape=(1, 3, 224, 224)),),
                outputs=(TensorFacts(name="output", dtype="float32", shape=(1, 1000)),),
            ),
            model_facts=ModelFacts(parameter_count=3_950_600, mac_count=306_700_000),
            tools={"torch": "2.13.0", "onnx": "1.23.2", "onnxsim": "0.8.1", "timm": "1.0.31"},
            cache_key=make_static_key(spec, target),
            lowering=target.lowering,
        )
        write_record(record_path(path), artifact)
        artifacts.append(artifact)
    return artifacts


def draw_results(shape: Shape, artifacts: list[Artifact]) -> Iterator[RunResult]:
    """The results in the order in which they would have been measured."""
    source = numpy.random.default_rng(0)
    speeds = {artifact.sha256: float(source.uniform(3e6, 60e6)) for artifact in artifacts}
    for run in range(shape.run_count):
        commit = hashlib.sha256(f"commit {run}".encode()).hexdigest()[:40]
        for number in range(shape.device_count):
            device = make_device(number)
            slowness = 1 + number / shape.device_count
            for session in range(shape.session_count):
                before, after = draw_conditions(run, 3, source), draw_conditions(run, 4, source)  # of all its cells
                for artifact in artifacts:
                    for threads in THREADS:
                        plan = RunPlan(
                            engine=ENGINES[artifact.format], thread_count=threads, session_count=shape.session_count
                        )
                        base_ns = speeds[artifact.sha256] * slowness / threads**0.7
                        yield RunResult(
                            run_id=f"202601{1 + run % 28:02}T030405Z-{run:03x}{number:03x}",
                            session_index=session,
                            artifact=artifact,
                            device=device,
                            plan=plan,
                            measurement=draw_measurement(base_ns, threads, source),
                            failure=None,
                            conditions_before=before,
                            conditions_after=after,
                            caveats=(
                                Caveat(code="cpu_scaling", text="the governor is schedutil, not performance"),
                                Caveat(
                                    code="drift",
                                    text="the CPU time of the last third of the session is "
                                    f"{source.normal(0, 8):+.1f}% off the first third's",
                                ),
                            ),
                            tools={"python": "3.11.7", "numpy": "2.4.6", plan.engine: "2.3.0"},
                            git_commit=commit,
                        )


def make_device(number: int) -> Device:
    return Device(
        device_id=f"board-{number:03}-{hashlib.sha256(str(number).encode()).hexdigest()[:12]}",
        transport="ssh",
        model="Raspberry Pi 5 Model B Rev 1.0",
        soc="BCM2712",
        os_version="Debian GNU/Linux 12 (bookworm), Linux 6.6.31+rpt-rpi-2712",
        abi="aarch64",
        core_count=4,
        memory_bytes=8_449_000_000,
        name=f"pi{number}",
    )


def draw_measurement(base_ns: float, threads: int, source: numpy.random.Generator) -> Measurement:
    wall = base_ns * source.lognormal(0, 0.02) * source.lognormal(0, 0.03, (ROUNDS, BURST))
    wall[:, :SETTLE] *= 1.1
    cpu = wall * threads * source.uniform(0.95, 1.0, wall.shape)
    return Measurement(
        wall_ns=tuple(wall.astype(numpy.int64).ravel().tolist()),
        cpu_ns=tuple(cpu.astype(numpy.int64).ravel().tolist()),
        cpu_clock="thread" if threads == 1 else "process",
        burst_count=BURST,
        settle_count=SETTLE,
        warmup_wall_ns=tuple((base_ns * source.lognormal(0.2, 0.1, 10)).astype(numpy.int64).tolist()),
        load_ns=int(source.integers(20_000_000, 90_000_000)),
        first_ns=int(source.integers(20_000_000, 90_000_000)),
        peak_rss_bytes=int(source.integers(60_000_000, 160_000_000)),
        idle_rss_bytes=int(source.integers(30_000_000, 60_000_000)),
        clock_resolution_ns=1,
    )


def draw_conditions(run: int, hour: int, source: numpy.random.Generator) -> Conditions:
    frequencies = source.choice([1_500_000, 1_800_000, 2_400_000], 4).tolist()
    day = datetime(2026, 1 + run % 12, 1 + run % 28, hour, tzinfo=UTC)
    moment = day + timedelta(milliseconds=source.integers(0, 3_600_000).item())
    return Conditions(
        taken_at=moment.isoformat(timespec="milliseconds"),
        cpu_model="Cortex-A76",
        load_average=round(source.uniform(0, 2), 2),
        governor="schedutil",
        frequency_khz=frequencies[0],
        temperature_celsius=round(source.uniform(40, 75), 1),
        memory_available_bytes=source.integers(6_000_000_000, 8_000_000_000).item(),
        cores=tuple(
            CoreState(core=core, governor="schedutil", min_khz=1_500_000, max_khz=2_400_000, current_khz=khz)
            for core, khz in enumerate(frequencies)
        ),
        throttle_flags=0,
    )


def fill_store(shape: Shape, artifacts: list[Artifact], path: Path) -> None:
    """A store with the results; made beside and renamed, so that one that was cut short is made anew."""
    scratch = path.with_suffix(".part")
    scratch.unlink(missing_ok=True)
    store = Store(str(scratch))
    waiting: list[RunResult] = []
    for result in draw_results(shape, artifacts):
        waiting.append(result)
        if len(waiting) == AT_ONCE:
            store.append(*waiting)
            waiting.clear()
    store.append(*waiting)
    scratch.rename(path)


@contextlib.contextmanager
def timed(name: str) -> Iterator[None]:
    start, wall = time.process_time(), time.perf_counter()
    yield
    cpu, wall = time.process_time() - start, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"  {name:<24} cpu {cpu:7.2f} s  wall {wall:7.2f} s  peak so far {peak:6.0f} MB", flush=True)


def time_stages(suite_file: Path, folder: Path, database: Path) -> None:
    """The stages of `pocketbench report`, in this process."""
    with timed("imports"):
        from pocketbench.core.garbage import paused_collection
        from pocketbench.reports.csv_json import format_csv, format_json
        from pocketbench.reports.html import format_html
        from pocketbench.reports.markdown import format_markdown
        from pocketbench.reports.table import make_table
        from pocketbench.workflow.report_suite import find_suite_artifacts, read_newest_runs
        from pocketbench.workflow.suites import read_suite
    with timed("files of the suite"):
        suite = read_suite(str(suite_file))
        artifacts, _ = find_suite_artifacts(suite, folder)
    with paused_collection():  # as the command does
        with timed("reading, parsing"):
            results = read_newest_runs(suite, artifacts, folder, Store(str(database)))
        print(f"  {len(results)} results")
        with timed("make_table"):
            table = make_table(artifacts, results, [], title=suite.title)
        del results
    forms: dict[str, Callable[[Any], str]] = {
        "md": format_markdown,
        "csv": format_csv,
        "json": format_json,
        "html": format_html,
    }
    with paused_collection():
        for name, form in forms.items():
            with timed(name):
                text = form(table)
            print(f"  {name}: {len(text) / 1e6:.2f} MB, sha256 {hashlib.sha256(text.encode()).hexdigest()[:16]}")


def time_command(arguments: list[str], database: Path, folder: Path) -> None:
    """A whole command, as a user runs it."""
    environment = os.environ | {"POCKETBENCH_DATABASE": str(database)}
    command = [sys.executable, "-m", "pocketbench", *arguments]
    start = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with (folder / "output.txt").open("wb") as output:
        subprocess.run(command, check=True, stdout=output, stderr=subprocess.DEVNULL, env=environment)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak = after.ru_maxrss / 1e3
    print(f"pocketbench {arguments[0]:<12} cpu {cpu:7.2f} s  wall {wall:7.2f} s  peak {peak:6.0f} MB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=SHAPES, default="deep")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the store is kept for the next time")
    parser.add_argument("--stages", action="store_true", help="only the stages of the report")
    parser.add_argument("--command", action="store_true", help="only the command `report`")
    parser.add_argument("--history", action="store_true", help="only the command `history`")
    options = parser.parse_args()
    shape = SHAPES[options.shape]
    folder = options.keep or Path(tempfile.mkdtemp(prefix="pocketbench-scale-"))
    folder.mkdir(exist_ok=True)
    try:
        suite_file = write_suite(shape, folder)
        artifacts = write_artifacts(suite_file, folder / "files")
        database = folder / f"{options.shape}.sqlite"
        if not database.exists():
            fill_store(shape, artifacts, database)
        print(f"{options.shape}: {database.stat().st_size / 1e6:.0f} MB, load {os.getloadavg()[0]:.1f}")
        everything = not (options.stages or options.command or options.history)
        report = ["report", "--suite", str(suite_file), "--artifacts", str(folder / "files")]
        if options.stages or everything:  # in a process of its own: the records that were drawn are no part of it
            if os.fork() == 0:
                time_stages(suite_file, folder / "files", database)
                sys.stdout.flush()
                os._exit(0)
            os.wait()
        if options.command or everything:
            time_command([*report, "--out", str(folder / "report")], database, folder)
        if options.history or (everything and shape.run_count > 1):
            time_command(["history", "--json"], database, folder)
    finally:
        if options.keep is None:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
