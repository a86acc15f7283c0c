"""What an attention block costs in the forms that pocketbench writes, against the form in which it was published.

    python benchmarks/attention_overhead.py
    python benchmarks/attention_overhead.py --width 0.5 --input-size 160 --sessions 2
    python benchmarks/attention_overhead.py --grid --sessions 2 --rounds 10

MobileNetV2 with SE (24), ECA, CBAM (24) and coordinate attention (32), one thread, CPU time of the calling thread. The
published forms (benchmarks/published) have the sigmoid of the papers, ours the default hard gate; the weights are the
same. The models of a runtime are called in bursts of 10 in random order, the first 3 calls of a burst are dropped; a
session is a fresh process. The overhead is the median over the network without attention, in the same session.

`onnx-arm` runs with onnxruntime's layout optimisation off, as a stand-in for processors without that layout. `onnx`,
the form for anywhere, runs both ways. Every file goes through the exporter and is verified; files are kept by the
hash of the sources that decide them. `--grid` runs the widths and input sizes of the paper and says where a form of
ours is slower than the published one.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.overhead.models import NO_BLOCK, REDUCTIONS, Variant, write_variant
from benchmarks.overhead.timing import RUNTIMES

FOLDER = Path("out/attention_overhead")
WIDTHS = (1.0, 0.75, 0.5)
INPUT_SIZES = (224, 160, 320)
GOALS = {  # the ratio of overheads to stay below
    "litert": {"se": 0.78, "eca": 0.68, "cbam": 0.40, "ca": 0.40},
    "onnx-x86": {"se": 0.52, "eca": 0.52, "cbam": 0.62, "ca": 0.58},
    "onnx-arm": {"se": 0.30, "eca": 0.30, "cbam": 0.75, "ca": 0.75},
}


def main() -> None:
    arguments = parse_arguments()
    rows = []
    for width, size in arguments.cells:
        files = write_files(width, size, arguments.runtimes, arguments.blocks)
        for runtime in arguments.runtimes:
            sessions = run_sessions(runtime, files[runtime], arguments.sessions, arguments.rounds)
            rows += summarise(width, size, runtime, sessions, arguments.blocks)
            print_rows(rows[-len(arguments.blocks) :], heading=len(rows) == len(arguments.blocks))
    slower = [row for row in rows if row["ratio"] > 1]
    for row in slower:
        print(f"slower than published: {row['block']} on {row['runtime']} at width {row['width']}, {row['size']}")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--width", type=float, default=1.0)
    parser.add_argument("--input-size", type=int, default=224)
    parser.add_argument("--grid", action="store_true", help="the paper's widths and input sizes")
    parser.add_argument("--runtimes", default=",".join(RUNTIMES), help="of %(default)s")
    parser.add_argument("--blocks", default=",".join(REDUCTIONS), help="of %(default)s")
    parser.add_argument("--sessions", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=20, help="bursts of each model in a session")
    parser.add_argument("--json", type=Path, help="write the rows there too")
    arguments = parser.parse_args()
    arguments.cells = [(arguments.width, arguments.input_size)]
    if arguments.grid:
        arguments.cells = list(itertools.product(WIDTHS, INPUT_SIZES))
    arguments.runtimes = arguments.runtimes.split(",")
    arguments.blocks = arguments.blocks.split(",")
    return arguments


def write_files(width: float, size: int, runtimes: Iterable[str], blocks: Iterable[str]) -> dict[str, dict[str, Path]]:
    """Runtime -> label of a model ("base", "ca published", "ca ours") -> its file."""
    wanted: dict[str, dict[str, Variant]] = {}
    for runtime in runtimes:
        lowering = RUNTIMES[runtime].lowering
        plain = RUNTIMES[runtime].format
        labels = {"base": Variant(width, size, NO_BLOCK, plain)}
        for block in blocks:
            labels[f"{block} published"] = Variant(width, size, block, f"{plain} published")
            labels[f"{block} ours"] = Variant(width, size, block, lowering)
        wanted[runtime] = labels
    distinct = list(dict.fromkeys(variant for labels in wanted.values() for variant in labels.values()))
    workers = len(os.sched_getaffinity(0))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=silence_converters) as pool:
        paths = dict(zip(distinct, pool.map(write_variant, distinct, [FOLDER] * len(distinct)), strict=True))
    return {runtime: {label: paths[variant] for label, variant in labels.items()} for runtime, labels in wanted.items()}


def silence_converters() -> None:
    """What converters print goes to stderr: stdout is for the table."""
    os.dup2(2, 1)


def run_sessions(runtime: str, files: dict[str, Path], sessions: int, rounds: int) -> list[dict[str, float]]:
    """The median CPU time in ms of each model, a session a fresh process."""
    request = {"runtime": runtime, "files": {label: str(path) for label, path in files.items()}, "rounds": rounds}
    found = []
    for session in range(sessions):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.overhead.timing"],
            input=json.dumps(request | {"seed": session}),
            cwd=Path(__file__).parents[1],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        found.append(json.loads(done.stdout))
    return found


def summarise(
    width: float, size: int, runtime: str, sessions: list[dict[str, float]], blocks: Iterable[str]
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for block in blocks:
        published = [times[f"{block} published"] - times["base"] for times in sessions]
        ours = [times[f"{block} ours"] - times["base"] for times in sessions]
        ratios = [ours / published for ours, published in zip(ours, published, strict=True)]
        rows.append(
            {
                "width": width,
                "size": size,
                "runtime": runtime,
                "block": block,
                "base_ms": statistics.median(times["base"] for times in sessions),
                "published_ms": statistics.median(published),
                "ours_ms": statistics.median(ours),
                "ratio": statistics.median(ratios),
                "lowest_ratio": min(ratios),
                "highest_ratio": max(ratios),
                "goal": GOALS.get(runtime, {}).get(block) if (width, size) == (1.0, 224) else None,
            }
        )
    return rows


def print_rows(rows: list[dict[str, object]], *, heading: bool) -> None:
    if heading:
        print("| width | input | runtime | block | base ms | published + ms | ours + ms | ratio | sessions | goal |")
        print("|--:|--:|---|---|--:|--:|--:|--:|--:|--:|")
    for row in rows:
        print(
            f"| {row['width']} | {row['size']} | {row['runtime']} | {row['block']} | {row['base_ms']:.2f} "
            f"| {row['published_ms']:.2f} | {row['ours_ms']:.2f} | {row['ratio']:.2f} "
            f"| {row['lowest_ratio']:.2f} to {row['highest_ratio']:.2f} | {row['goal'] or ''} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
