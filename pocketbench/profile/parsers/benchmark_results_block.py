"""The summaries that benchmark_model ends with: of the interpreter's build one line, of LiteRT's a block in ms.

Source: BenchmarkLoggingListener of tflite/tools/benchmark/benchmark_model.cc and of
litert/tools/benchmark_litert_model.h; litert-benchmark (ai-edge-litert) prints the block too, with percentiles.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pocketbench.core.errors import one_line
from pocketbench.profile.parsers.output_fault import (
    NS_PER_MS,
    NS_PER_US,
    OutputFault,
    make_fault,
    make_visible,
    parse_count,
    parse_duration,
    parse_memory,
)

BYTES_PER_MB = 1 << 20  # both divide kB of 1024 bytes by 1024
TIMINGS = "Inference timings in us: "
OLD_TIMINGS = "Average inference timings in us: "
BLOCK = "BENCHMARK RESULTS"
PEAK = "Overall peak memory footprint (MB) via periodic monitoring: "
# What each program calls a figure, and what it is.
TIMING_NAMES = {
    "Init": "load",
    "First inference": "first",
    "Warmup (avg)": "warmup_mean",
    "Inference (avg)": "mean",
}
OLD_TIMING_NAMES = {"Warmup": "warmup_mean", "Init": "load", "Inference": "mean", "no stats": "mean"}
BLOCK_NAMES = {
    "Model initialization": "load",
    "Warmup (first)": "first",
    "Warmup (avg)": "warmup_mean",
    "Inference (avg)": "mean",
    "Inference (min)": "min",
    "Inference (max)": "max",
    "Inference (std)": "std",
    "Inference (median)": "median",
    "Inference (p5)": "p5",
    "Inference (p95)": "p95",
}
BLOCK_FIGURE = re.compile(r"(?P<number>[0-9.eE+-]{1,40})(?P<unit> ms)?(?: \((?P<count>\d{1,12}) runs\))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedResults:
    """The figures by name ("mean", "load", ...) in ns, as far as printed; `rounding_ns` is how far each may be off."""

    times: dict[str, int]
    rounding_ns: int
    count: int | None = None
    warmup_count: int | None = None
    line: str = ""


def parse_timings(lines: Sequence[str]) -> PrintedResults | None:
    """The line "Inference timings in us", None when there is none. Raises: OutputFault."""
    found = [line for line in lines if line.startswith((TIMINGS, OLD_TIMINGS))]
    if not found:
        return None
    line = found[0]
    if len(found) > 1:
        raise make_fault("the results of several runs in one text", found[1], "give one run at a time")
    is_old = line.startswith(OLD_TIMINGS)
    names = OLD_TIMING_NAMES if is_old else TIMING_NAMES
    times: dict[str, int] = {}
    for part in line.removeprefix(OLD_TIMINGS if is_old else TIMINGS).strip().split(", "):
        label, colon, number = part.rpartition(": ")
        if not colon or label not in names or names[label] in times:
            raise make_fault("the line of the timings is not understood", line)
        times[names[label]] = parse_duration(number, NS_PER_US, line)
    if set(times) != set(names.values()):
        raise make_fault("the line of the timings is cut off", line)
    return PrintedResults(times=times, rounding_ns=0, line=line)


def parse_block(lines: Sequence[str]) -> PrintedResults | None:
    """The block of LiteRT's build, None when there is none. Raises: OutputFault."""
    starts = [index for index, line in enumerate(lines) if line.strip("= \t") == BLOCK]
    if not starts:
        return None
    if len(starts) > 1:
        raise make_fault("the results of several runs in one text", lines[starts[1]], "give one run at a time")
    times: dict[str, int] = {}
    counts: dict[str, int] = {}
    for line in lines[starts[0] + 1 :]:
        label, colon, rest = line.strip().partition(":")
        name = BLOCK_NAMES.get(label)
        if name is None:
            if colon and label.startswith(("Inference (", "Warmup (")):
                raise make_fault("a figure of the results is not known", line)
            if label == "No inference runs were performed.":
                raise make_fault("nothing was measured", line)
            continue
        match = BLOCK_FIGURE.fullmatch(rest.strip())
        if match is None or name in times or (match["unit"] is None and name != "std"):
            raise make_fault("a figure of the results is not understood", line)
        times[name] = parse_duration(match["number"], NS_PER_MS, line)
        if match["count"] is not None:
            counts[name] = parse_count(match["count"], line, at_least=0)
    missing = {"load", "first", "warmup_mean", "mean", "min", "max"} - set(times)
    if missing or set(counts) != {"warmup_mean", "mean"}:
        raise make_fault("the results are cut off", lines[starts[0]])
    return PrintedResults(
        times=times, rounding_ns=NS_PER_MS // 200, count=counts["mean"], warmup_count=counts["warmup_mean"], line=BLOCK
    )


def parse_peak_bytes(lines: Sequence[str], block: PrintedResults | None) -> int | None:
    """The peak that the program found when it was asked to look; None when it was not. Raises: OutputFault."""
    for line in lines:
        if line.startswith(PEAK):
            return parse_memory(line.removeprefix(PEAK).strip(), BYTES_PER_MB, line)
        if block is not None and line.startswith("Peak memory: "):
            number, _, unit = line.removeprefix("Peak memory: ").strip().partition(" ")
            if unit != "MB":
                raise make_fault("the peak memory is not understood", line)
            return parse_memory(number, BYTES_PER_MB, line)
    return None


def explain_missing(lines: Sequence[str], what: str) -> OutputFault:
    """The fault for a text without its results, with the program's own error, or its last line."""
    spoken = [line for line in lines if line.strip()]
    errors = [line for line in spoken if "error" in line.lower() or "fail" in line.lower()]
    if not spoken:
        return make_fault(f"{what}: nothing was printed")
    told = errors[-2:] if errors else spoken[-1:]
    shown = "; ".join(one_line(make_visible(line), 150) for line in told)
    return make_fault(f"{what}; {'it says' if errors else 'the last line is'}", shown)
