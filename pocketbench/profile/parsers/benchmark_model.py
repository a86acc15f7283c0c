"""benchmark_model's output: of TFLite's interpreter build, and of LiteRT's, which runs a compiled model.

Both print a `count=` line for the warm-up and one for the steady state, in us, and then a summary of their own, which
must say the same: the interpreter's build one line in us, LiteRT's a block in ms. Where LiteRT's build, or
litert-benchmark, prints the block alone, that is all there is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pocketbench.core.records import DelegateCoverage, OperatorTime, Summary
from pocketbench.profile.parsers.benchmark_counts import SIX_DIGITS, CountLine, find_resolution_ns, parse_count_line
from pocketbench.profile.parsers.benchmark_coverage import parse_coverage
from pocketbench.profile.parsers.benchmark_profile import parse_profile
from pocketbench.profile.parsers.benchmark_results_block import (
    BLOCK,
    OLD_TIMINGS,
    TIMINGS,
    PrintedResults,
    explain_missing,
    parse_block,
    parse_peak_bytes,
    parse_timings,
)
from pocketbench.profile.parsers.log_prefixes import strip_prefixes
from pocketbench.profile.parsers.output_fault import (
    NS_PER_MS,
    NS_PER_US,
    check_sample,
    make_fault,
    parse_count,
    parse_duration,
    split_lines,
)

SESSION = "Initialized session in "
THREADS = ("Num threads: [", "#threads used for CPU inference: [")
GRAPH = "Graph: ["


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkModelRun:
    """One run of the program.

    `statistic` is what of the summary a sample should be: "median" where the build prints it, else "mean", and
    `resolution_ns` the last digit that is printed of it. `operators` and `coverage` are None where they are not
    printed, `peak_bytes` where the program was not asked to look. `dialect` is "interpreter" or "compiled_model".
    `graph` and `thread_count` are the options it was given, where it repeats them.
    """

    summary: Summary
    statistic: str
    resolution_ns: int
    operators: tuple[OperatorTime, ...] | None
    coverage: DelegateCoverage | None
    peak_bytes: int | None
    dialect: str
    graph: str | None
    thread_count: int | None


def is_benchmark_model(text: str) -> bool:
    """Whether a text is what the program prints, or a part of that."""
    lines = strip_prefixes(split_lines(text))
    return any(line.startswith(("count=", TIMINGS, OLD_TIMINGS)) or line.strip("= \t") == BLOCK for line in lines)


def parse_benchmark_model(text: str) -> BenchmarkModelRun:
    """Raises: OutputFault, with the line, for a text that is cut off, contradicts itself or is not understood."""
    lines = strip_prefixes(split_lines(text))
    timings, block = parse_timings(lines), parse_block(lines)
    if timings is not None and block is not None:
        raise make_fault("the results of two programs in one text", timings.line, "give one run at a time")
    counts = _read_counts(lines)
    results = timings or block
    if results is None:
        raise explain_missing(lines, "benchmark_model did not come to its results")
    if not counts and timings is not None:
        raise make_fault("the count= lines of benchmark_model are missing", timings.line)
    summary = _join(counts, results, _read_session_ns(lines))
    statistic = "mean" if summary.median_ns is None else "median"
    sample_ns = summary.mean_ns if summary.median_ns is None else summary.median_ns
    assert sample_ns is not None
    check_sample(sample_ns, results.line)
    if not counts:
        resolution_ns = 2 * results.rounding_ns
    else:
        resolution_ns = find_resolution_ns(sample_ns) if statistic == "mean" else NS_PER_US
    profile = parse_profile(lines)
    return BenchmarkModelRun(
        summary=summary,
        statistic=statistic,
        resolution_ns=resolution_ns,
        operators=None if profile is None else profile.operators,
        coverage=parse_coverage(lines, None if profile is None else profile.delegated_fraction),
        peak_bytes=parse_peak_bytes(lines, block),
        dialect="interpreter" if timings is not None else "compiled_model",
        graph=_read_option(lines, (GRAPH,)),
        thread_count=_read_threads(lines),
    )


def _read_counts(lines: Sequence[str]) -> list[CountLine]:
    """The warm-up and the steady state; nothing where neither is printed."""
    found = [line for line in lines if line.startswith("count=")]
    if len(found) > 2:
        raise make_fault(
            f"{len(found)} count= lines, and a run has two: warm-up and steady state",
            found[2],
            "give one run at a time",
        )
    counts = [parse_count_line(line.strip()) for line in found]
    if len(counts) == 1:
        raise make_fault("benchmark_model was cut off: of two count= lines there is one", found[0])
    if counts and counts[1].count == 0:
        raise make_fault("nothing was measured: the steady state has no inferences", found[1])
    return counts


def _join(counts: Sequence[CountLine], results: PrintedResults, session_ns: int | None) -> Summary:
    """One summary of what is said twice. Raises: OutputFault when it is not the same."""
    times = results.times
    if session_ns is not None:
        _compare("load", session_ns, results)
    if not counts:
        if not results.count:
            raise make_fault("nothing was measured: the steady state has no inferences", results.line)
        if (
            not times["min"] <= times["mean"] <= times["max"]
            or not times["min"] <= times.get("median", times["mean"]) <= times["max"]
        ):
            raise make_fault("mean, median, least and most contradict one another", str(times))
        warmed = bool(results.warmup_count)
        return Summary(
            count=results.count,
            mean_ns=times["mean"],
            median_ns=times.get("median"),
            min_ns=times["min"],
            max_ns=times["max"],
            std_ns=times.get("std"),
            p5_ns=times.get("p5"),
            p95_ns=times.get("p95"),
            load_ns=times["load"],
            first_ns=times["first"] if warmed else None,
            warmup_count=results.warmup_count,
            warmup_mean_ns=times["warmup_mean"] if warmed else None,
        )
    warmup, steady = counts
    for name, value in (
        ("mean", steady.mean_ns),
        ("min", steady.min_ns),
        ("max", steady.max_ns),
        ("median", steady.median_ns),
        ("first", warmup.first_ns or 0),
        ("warmup_mean", warmup.mean_ns or 0),
    ):
        if name in times and value is not None:
            _compare(name, value, results)
    for name, counted, told in (
        ("runs", steady.count, results.count),
        ("warm-up runs", warmup.count, results.warmup_count),
    ):
        if told is not None and told != counted:
            raise make_fault(f"{counted} {name} by the count= line, and {told} by the summary", results.line)
    return Summary(
        count=steady.count,
        mean_ns=steady.mean_ns,
        median_ns=steady.median_ns,
        min_ns=steady.min_ns,
        max_ns=steady.max_ns,
        std_ns=steady.std_ns,
        p5_ns=steady.p5_ns,
        p95_ns=steady.p95_ns,
        load_ns=times["load"],
        first_ns=warmup.first_ns,
        warmup_count=warmup.count,
        warmup_mean_ns=warmup.mean_ns,
    )


def _compare(name: str, value_ns: int, results: PrintedResults) -> None:
    told_ns = results.times[name]
    # half a digit of the summary, and the seventh digit of either
    if abs(value_ns - told_ns) > results.rounding_ns + SIX_DIGITS * max(value_ns, told_ns) + 1:
        raise make_fault(
            f"{name} is {value_ns / NS_PER_MS:.6g} ms in one place and {told_ns / NS_PER_MS:.6g} ms in the summary",
            results.line,
        )


def _read_session_ns(lines: Sequence[str]) -> int | None:
    for line in lines:
        if line.startswith(SESSION):
            number = line.removeprefix(SESSION).strip().rstrip(".")
            if not number.endswith("ms"):
                raise make_fault("the time of the initialisation is not understood", line)
            return parse_duration(number.removesuffix("ms").strip(), NS_PER_MS, line)
    return None


def _read_option(lines: Sequence[str], labels: tuple[str, ...]) -> str | None:
    for line in lines:
        for label in labels:
            if line.startswith(label) and line.rstrip().endswith("]"):
                return line.rstrip()[len(label) : -1]
    return None


def _read_threads(lines: Sequence[str]) -> int | None:
    told = _read_option(lines, THREADS)
    return None if told is None or told in ("-1", "0") else parse_count(told, told)
