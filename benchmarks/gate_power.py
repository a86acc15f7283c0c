"""Does the gate find real slowdowns, and does it stay quiet without one? Beside what people use today.

    python benchmarks/gate_power.py run --condition quiet
    python benchmarks/gate_power.py run --condition noisy --part 1/2     (and 2/2 beside it)
    python benchmarks/gate_power.py run --condition quiet --size large --identical 20 --slower 10
    python benchmarks/gate_power.py report

A trial is the gate's own procedure on one cell: the duel, and its confirmation in a fresh process when it looks
slower. The models of `power/nets.py` do more work for real; how much more stands in `power/cells.py` and was measured.
A quiet trial beside which other programs took more than a few percent of the machine is done again, whatever came out;
a noisy one has a neighbour that keeps every core busy. Trials are kept in out/gate_power/, a line each: the same
command goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.power import nets, table
from benchmarks.power.cells import CELLS, Cell
from benchmarks.power.machine import QUIET_FRACTION, noisy_neighbour, wait_until_quiet
from benchmarks.power.trials import run_trial, time_rivals
from pocketbench.profile.archive import write_agent_archive
from pocketbench.profile.runtimes import engine_python, worker_command

FOLDER = Path("out/gate_power")
RIVALS_EVERY = 3
SHARES = {"litert": 0.8, "onnxruntime": 0.2}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run")
    run.add_argument("--condition", choices=("quiet", "noisy"), required=True)
    run.add_argument("--size", choices=("small", "large"), default="small")
    run.add_argument("--identical", type=int, default=300, help="trials with equal files")
    run.add_argument("--slower", type=int, default=100, help="trials of each slowdown")
    run.add_argument("--part", default="1/1", help="of how many processes this is which one")
    verbs.add_parser("report")
    arguments = parser.parse_args()
    if arguments.verb == "report":
        print(table.format_report(read_trials()), end="")
        return
    part, parts = map(int, arguments.part.split("/"))
    cells = [cell for cell in CELLS if cell.size == arguments.size]
    files = {cell: write_files(cell) for cell in cells}
    with noisy_neighbour() if arguments.condition == "noisy" and part == 1 else contextlib.nullcontext():
        for cell, index in list_due(cells, arguments.condition, arguments.identical, arguments.slower):
            if index % parts == part - 1:
                keep_trial(cell, index, arguments.condition, *files[cell], part)


def list_due(cells: list[Cell], condition: str, identical: int, slower: int) -> Iterator[tuple[Cell, int]]:
    """The trials that are missing, the kinds that a goal is set for first and in turn, so that a stop leaves as much of
    each; four of five are LiteRT's, whose files load faster."""
    done = Counter((trial["cell"], trial["index"]) for trial in read_trials() if trial["condition"] == condition)
    wanted = []
    for cell in cells:
        total = identical if cell.effect == 0 else slower
        count = round(total * SHARES[cell.engine])
        late = cell.effect == 10
        wanted += [(late, (index + 0.5) / count, cell, index) for index in range(count) if not done[cell.name, index]]
    for _, _, cell, index in sorted(wanted, key=lambda item: (item[0], item[1], item[2].name)):
        yield cell, index


def keep_trial(cell: Cell, index: int, condition: str, base: Path, head: Path, part: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = worker_command(engine_python(cell.engine), write_agent_archive(Path(folder)))
        while True:
            if condition == "quiet":
                wait_until_quiet()
            trial = run_trial(command, cell.engine, base, head)
            if condition == "noisy" or trial["others"] <= QUIET_FRACTION:
                break
        if index % RIVALS_EVERY == 0 and cell.size == "small":
            trial["rivals"] = time_rivals(command, cell.engine, base, head)
    trial |= {"cell": cell.name, "index": index, "condition": condition, "size": cell.size, "engine": cell.engine}
    trial |= {"effect": cell.effect}
    with (FOLDER / f"trials-{condition}-{part}.jsonl").open("a") as stream:
        stream.write(json.dumps(trial) + "\n")


def read_trials() -> list[dict[str, object]]:
    return [
        json.loads(line) for path in sorted(FOLDER.glob("trials-*.jsonl")) for line in path.read_text().splitlines()
    ]


def write_files(cell: Cell) -> tuple[Path, Path]:
    """Base and head of a cell, through the exporter; kept by the content of nets.py."""
    digest = hashlib.sha256(Path(nets.__file__).read_bytes()).hexdigest()[:12]
    paths = []
    for name in (cell.base, cell.head):
        folder = FOLDER / digest / f"{name}-{cell.format}"
        if not list(folder.glob("*.json")):
            model = ["--model", f"benchmarks.power.nets:{name}", "--input-size", str(cell.side), "--weights", "random"]
            command = [sys.executable, "-m", "pocketbench", "export", *model, "--format", cell.format]
            subprocess.run([*command, "--out", str(folder)], check=True, capture_output=True)
        paths.append(next(folder.glob(f"*.{cell.format}")))
    return paths[0], paths[1]


if __name__ == "__main__":
    main()
