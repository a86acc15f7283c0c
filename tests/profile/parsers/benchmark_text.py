"""benchmark_model's output, written from samples by the rules of its C++ streams: what a parser must find is known.

Source: Stat::OutputToStream, StatsCalculator::ColumnString, BenchmarkModel::Run. A stream prints a double with six
digits (%g) and an integer whole; InitField prints with three decimals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

WARMUP = (339_304, 266_325)
STEADY = tuple(265_837 + (7 * index) % 13 * 190 for index in range(50))
REPLACING = (
    "VERBOSE: Replacing 58 out of 58 node(s) with delegate (TfLiteXNNPackDelegate) node, "
    "yielding 1 partitions for the whole graph."
)


class Row(NamedTuple):
    type: str
    time_ms: float
    name: str
    calls: int = 1


def stream_double(value: float) -> str:
    return f"{value:g}"


def count_line(samples: Sequence[int], *, percentiles: bool = False) -> str:
    """Stat::OutputToStream, and StatWithPercentiles'."""
    count = len(samples)
    if not samples:
        text = "count=0"
    elif min(samples) == max(samples):
        text = f"count={count} curr={samples[-1]}" + ("(all same)" if count > 1 else "")
    else:
        mean = sum(samples) / count
        variance = int(sum(sample * sample for sample in samples) / count - mean * mean)
        text = (
            f"count={count} first={samples[0]} curr={samples[-1]} min={min(samples)} max={max(samples)} "
            f"avg={stream_double(mean)} std={int(math.sqrt(variance))}"
        )
    if percentiles:
        ordered = sorted(samples)
        at = {percent: ordered[count * percent // 100] if samples else 0 for percent in (5, 50, 95)}
        text += f" p5={at[5]} median={at[50]} p95={at[95]}"
    return text


def interpreter_text(
    steady: Sequence[int] = STEADY,
    warmup: Sequence[int] = WARMUP,
    *,
    prefix: str = "INFO: ",
    percentiles: bool = False,
    load_us: int = 20_283,
    replacing: Sequence[str] = (REPLACING,),
    peak: str | None = None,
    profile: str = "",
) -> str:
    """The whole output of the interpreter's build."""

    def mean(samples: Sequence[int]) -> str:
        return stream_double(sum(samples) / len(samples)) if samples else "0"

    lines = [
        f"{prefix}STARTING!",
        f"{prefix}Log parameter values verbosely: [0]",
        f"{prefix}Min num runs: [50]",
        f"{prefix}Num threads: [1]",
        f"{prefix}Graph: [/data/local/tmp/m.tflite]",
        f"{prefix}Loaded model /data/local/tmp/m.tflite",
        *replacing,
        f"{prefix}The input model file size (MB): 11.983",
        f"{prefix}Initialized session in {stream_double(load_us / 1e3)}ms.",
        f"{prefix}Running benchmark for at least 1 iterations and at least 0.5 seconds but end after 150 seconds.",
        f"{prefix}{count_line(warmup, percentiles=percentiles)}",
        "",
        f"{prefix}Running benchmark for at least 50 iterations and at least 1 seconds but end after 150 seconds.",
        f"{prefix}{count_line(steady, percentiles=percentiles)}",
        "",
        f"{prefix}Inference timings in us: Init: {load_us}, First inference: {warmup[0] if warmup else 0}, "
        f"Warmup (avg): {mean(warmup)}, Inference (avg): {mean(steady)}",
        f"{prefix}Memory footprint delta from the start of the tool (MB): init=6.70312 overall=63.4023",
    ]
    if peak is not None:
        lines += [f"{prefix}Overall peak memory footprint (MB) via periodic monitoring: {peak}"]
        lines += [f"{prefix}Memory status at the end of exeution:", f"{prefix}- VmRSS              : 93 MB"]
    return "\n".join(lines) + "\n" + profile


def compiled_text(
    steady: Sequence[int] = STEADY,
    warmup: Sequence[int] = WARMUP,
    *,
    load_us: int = 20_283,
    counts: bool = True,
    peak: str | None = None,
    summary: str = "",
) -> str:
    """The whole output of LiteRT's build."""
    prefix = "INFO: [benchmark_litert_model.h:87] "

    def ms(value_us: float) -> str:
        return f"{value_us / 1000:.2f}"

    def mean(samples: Sequence[int]) -> float:
        return sum(samples) / len(samples) if samples else 0.0

    lines = ["INFO: STARTING!", "INFO: Created TensorFlow Lite XNNPACK delegate for CPU."]
    if counts:
        lines += [f"INFO: {count_line(samples, percentiles=True)}" for samples in (warmup, steady)]
    lines += [
        prefix,
        "========== BENCHMARK RESULTS ==========",
        f"{prefix}Model initialization: {ms(load_us)} ms",
        f"{prefix}Warmup (first):       {ms(warmup[0] if warmup else 0)} ms",
        f"{prefix}Warmup (avg):         {ms(mean(warmup))} ms ({len(warmup)} runs)",
        f"{prefix}Inference (avg):      {ms(mean(steady))} ms ({len(steady)} runs)",
        f"{prefix}Inference (min):      {ms(min(steady, default=0))} ms",
        f"{prefix}Inference (max):      {ms(max(steady, default=0))} ms",
        f"{prefix}Inference (std):      {ms(900)}",
        f"{prefix}Throughput:           2.11 MB/s",
        prefix,
        "Memory Usage:",
        f"{prefix}Init footprint:       6.70 MB",
        f"{prefix}Overall footprint:    63.40 MB",
        f"{prefix}Peak memory:          {peak} MB"
        if peak
        else f"{prefix}Peak memory usage not available. (peak_mem_mb <= 0)",
        f"{prefix}======================================",
        "",
    ]
    return "\n".join(lines) + "\n" + summary


def tab_table(rows: Sequence[Row], *, start: bool, title: str = "Run Order") -> str:
    """StatsCalculator::GetStatsByMetric with columns after tabs, old (with a start) or new."""
    total = sum(row.time_ms * row.calls for row in rows)
    heads = ["[node type]", *(["[start]"] if start else []), "[first]", "[avg ms]", "[%]", "[cdf%]", "[mem KB]"]
    lines = [f"============================== {title} =============================="]
    lines += ["".join(f"\t{head:>9}" for head in [*heads, "[times called]"]) + "\t[Name]"]
    so_far = 0.0
    for row in rows:
        so_far += row.time_ms * row.calls
        share = f"{100 * row.time_ms * row.calls / total:7.3f}" if total else "   -nan"
        ran = f"{100 * so_far / total:7.3f}" if total else "   -nan"
        lines.append(
            f"\t{row.type:>40}"
            + (f"\t{so_far:17.3f}" if start else "")
            + f"\t{row.time_ms + 0.1:9.3f}\t{row.time_ms:9.3f}\t{share}%\t{ran}%\t{0:10.3f}\t{row.calls:9d}\t{row.name}"
        )
    return "\n".join(lines) + "\n\n"


def csv_table(rows: Sequence[Row], *, start: bool, title: str = "Run Order") -> str:
    """The same as CSV that quotes nothing. The new one (without a start) writes tabs for commas in names."""
    total = sum(row.time_ms * row.calls for row in rows) or math.nan
    lines = [f"============================== {title} =============================="]
    lines += ["node type, " + ("start, " if start else "") + "first, avg_ms, %, cdf%, mem KB, times called, name"]
    so_far = 0.0
    for row in rows:
        so_far += row.time_ms * row.calls
        name = row.name if start else row.name.replace(",", "\t")
        lines.append(
            f"{row.type}, "
            + (f"{stream_double(so_far)}, " if start else "")
            + f"{stream_double(row.time_ms + 0.1)}, {stream_double(row.time_ms)}, "
            f"{stream_double(100 * row.time_ms * row.calls / total)}%, {stream_double(100 * so_far / total)}%, 0, "
            f"{row.calls}, {name}"
        )
    return "\n".join(lines) + "\n\n"


def section(rows: Sequence[Row], *, start: bool = False, as_csv: bool = False) -> str:
    """What is printed for one graph: the order, the slowest again, the number of nodes, the types."""
    write = csv_table if as_csv else tab_table
    slowest = sorted(rows, key=lambda row: -row.time_ms)
    total = sum(row.time_ms * row.calls for row in rows)
    return (
        write(rows, start=start)
        + write(slowest, start=start, title="Top by Computation Time")
        + f"Number of nodes executed: {len(rows)}\n"
        + "============================== Summary by node type ==============================\n"
        + "\t[Node type]\t[count]\t[avg ms]\t[avg %]\t[cdf %]\t[mem KB]\t[times called]\n\tADD\t1\t0.1\t1%\t1%\t0\t1\n"
        + "\n"
        + f"Timings (microseconds): count=50 first={total * 1000:.0f} curr=1 min=1 max=9 avg=5 std=1\n"
        + f"Memory (bytes): count=0\n{len(rows)} nodes observed\n\n"
    )
