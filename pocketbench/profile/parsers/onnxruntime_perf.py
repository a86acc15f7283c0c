"""The result file of onnxruntime_perf_test: a line an inference, "model,seconds,peak bytes,CPU %,number".

The program adds to a file that is there, so one file may hold several runs, which begin at 0 again. With -s it ends
with percentiles of its own, which are not read: the samples tell them. Seconds have six digits.

Source: PerformanceResult::DumpToFile of onnxruntime/test/perftest/performance_runner.h.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from pocketbench.profile.parsers.imported import Imported, measure_samples
from pocketbench.profile.parsers.output_fault import (
    MAX_MEMORY_BYTES,
    NS_PER_S,
    NS_PER_US,
    NUMBER,
    make_fault,
    parse_count,
    parse_duration,
    split_lines,
)

MAX_SAMPLE_NS = 60 * NS_PER_S
STATISTIC = re.compile(r"(?:Min|Max|P\d{2,3}) Latency(?: is|:) ?[0-9.eE+-]{1,40} ?s(?:ec)?")
FIELD_COUNT = 5


@dataclass(slots=True)
class _Run:
    name: str
    samples_ns: list[int] = field(default_factory=list)
    peak_bytes: int = 0


def is_onnxruntime_perf(text: str) -> bool:
    first = next((line for line in split_lines(text[:10_000]) if line.strip()), "")
    fields = first.rsplit(",", FIELD_COUNT - 1)
    return len(fields) == FIELD_COUNT and all(NUMBER.fullmatch(item.strip()) for item in fields[1:])


def parse_onnxruntime_perf(text: str) -> tuple[Imported, ...]:
    """Raises: OutputFault, which shows the line."""
    runs: list[_Run] = []
    for line in split_lines(text):
        if not line.strip() or STATISTIC.fullmatch(line.strip()):
            continue
        fields = [item.strip() for item in line.rsplit(",", FIELD_COUNT - 1)]
        if len(fields) != FIELD_COUNT:
            raise make_fault("a line is not model,seconds,peak bytes,CPU %,number", line)
        name, seconds, peak, cpu, number = fields
        if parse_count(cpu, line, at_least=0) > 100_000:
            raise make_fault("the share of the processor can't be true", line)
        index = parse_count(number, line, at_least=0)
        if index == 0:
            runs.append(_Run(name))
        if not runs or runs[-1].name != name or index != len(runs[-1].samples_ns):
            raise make_fault("lines of a run are missing, or in another order", line)
        sample_ns = parse_duration(seconds, NS_PER_S, line)
        if sample_ns > MAX_SAMPLE_NS:  # a release between wrote ns
            raise make_fault("an inference of more than a minute: this file has another unit than seconds", line)
        peak_text = peak if len(peak) <= 15 else "x"
        if not (peak_text.isdecimal() and int(peak_text) <= MAX_MEMORY_BYTES):
            raise make_fault("the peak memory is not understood", line)
        runs[-1].samples_ns.append(sample_ns)
        runs[-1].peak_bytes = max(runs[-1].peak_bytes, int(peak_text))
    if not runs:
        raise make_fault("no inferences in the file")
    names = Counter(run.name for run in runs)
    return tuple(
        Imported(
            name=run.name if names[run.name] == 1 else f"{run.name}#{place}",
            measurement=measure_samples(
                run.samples_ns, resolution_ns=NS_PER_US, has_first=False, peak_bytes=run.peak_bytes or None
            ),
            engine="onnxruntime",
        )
        for place, run in enumerate(runs, start=1)
    )
