"""How long a user waits: help and list, a cold export of a suite, an export with nothing to do.

    python benchmarks/command_speed.py [--suite paper] [--repeat 5]

Whole processes by wall clock, and the CPU time of all their children. Prints medians, and the range.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMMAND = [sys.executable, "-m", "pocketbench"]


def time_command(arguments: list[str]) -> tuple[float, float]:
    """Unit: seconds, by wall clock and of CPU time, of one process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run([*COMMAND, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def report(name: str, samples: list[tuple[float, float]]) -> None:
    wall, cpu = zip(*samples, strict=True)
    print(
        f"{name:<40} wall {statistics.median(wall):7.2f} s ({min(wall):.2f} to {max(wall):.2f})"
        f"  cpu {statistics.median(cpu):7.2f} s  n={len(samples)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", default="paper")
    parser.add_argument("--repeat", type=int, default=5, help="of everything but the cold export")
    parser.add_argument("--cold", type=int, default=1, help="repetitions of the cold export")
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), "unknown")
    load = os.getloadavg()[0]
    print(f"{cpu.split(':')[-1].strip()}, {cores} cores, load {load:.1f}, Python {sys.version.split()[0]}")
    for arguments in (["--help"], ["list"], ["export", "--help"]):
        time_command(arguments)  # writes the byte code
        report(f"pocketbench {' '.join(arguments)}", [time_command(arguments) for _ in range(options.repeat)])
    with tempfile.TemporaryDirectory() as folder:
        cold, idle = [], []
        for index in range(options.cold):
            export = ["export", "--suite", options.suite, "--out", f"{folder}/{index}"]
            cold.append(time_command(export))
            idle += [time_command(export) for _ in range(options.repeat)]
        report(f"export --suite {options.suite}, cold", cold)
        report(f"export --suite {options.suite}, nothing to do", idle)


if __name__ == "__main__":
    main()
