"""MNN's benchmark: "[ - ] MobileNetV2_224.mnn         max =    2.703 ms  min =    2.444 ms  avg =    2.511 ms".

Older releases print no space before ms. What is run and how often stands above, and again before each further run.
Source: benchmark/benchmark.cpp.
"""

from __future__ import annotations

import re

from pocketbench.profile.parsers.imported import Imported
from pocketbench.profile.parsers.log_prefixes import strip_prefixes
from pocketbench.profile.parsers.output_fault import NS_PER_MS, make_fault, parse_count, split_lines
from pocketbench.profile.parsers.printed_lines import make_imported, parse_figures, refuse_twins

RESOLUTION_NS = NS_PER_MS // 1000
MARK = "[ - ] "
FORWARD = re.compile(r"Forward type: \**(?P<unit>\w{1,20})\**(?: *thread=(?P<threads>\d{1,4})\**)?")
LOOP = re.compile(r"-+> Benchmarking\.\.\. loop = (?P<count>\d{1,9})(?:, warmup = (?P<warmup>\d{1,9}))?")
PRECISION = re.compile(r"\bprecision=(\d)")
PRECISIONS = ("normal", "high", "low")


def is_mnn(text: str) -> bool:
    return any(line.lstrip().startswith(MARK) for line in strip_prefixes(split_lines(text)))


def parse_mnn(text: str) -> tuple[Imported, ...]:
    """Raises: OutputFault, which shows the line."""
    loop: re.Match[str] | None = None
    forward: re.Match[str] | None = None
    notes: tuple[str, ...] = ()
    found = []
    for line in strip_prefixes(split_lines(text)):
        bare = line.strip()
        if bare.startswith("Forward type: "):
            forward, loop = FORWARD.match(bare), None
            precision = PRECISION.search(bare[:1_000])
            number = int(precision[1]) if precision is not None else len(PRECISIONS)
            notes = (f"Precision: {PRECISIONS[number]}.",) if number < len(PRECISIONS) else ()
        elif "> Benchmarking" in bare:
            loop = LOOP.match(bare)
        if not bare.startswith(MARK):
            continue
        figures = parse_figures(bare.removeprefix(MARK), RESOLUTION_NS, unit="ms")
        if figures is None or forward is None or loop is None:
            missing = "max, min and avg" if figures is None else '"Forward type" or "Benchmarking... loop = N"'
            raise make_fault(f"{missing} of a model are missing", line)
        unit = forward["unit"].lower()
        threads = forward["threads"]
        found.append(
            make_imported(
                figures[0],
                figures[1],
                count=parse_count(loop["count"], line),
                warmup_count=int(loop["warmup"]) if loop["warmup"] else None,
                engine="mnn",
                delegate=None if unit == "cpu" else unit,
                # on a graphics processor the number is a mode
                thread_count=int(threads) if threads and unit == "cpu" else None,
                resolution_ns=RESOLUTION_NS,
                notes=notes,
            )
        )
    return refuse_twins(found)
