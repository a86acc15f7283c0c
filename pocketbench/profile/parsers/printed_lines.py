"""Lines of benchmarks that print least, most and mean of a model: ncnn's benchncnn and MNN's benchmark."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from pocketbench.core.records import Summary
from pocketbench.profile.parsers.imported import Imported, measure_summary
from pocketbench.profile.parsers.output_fault import (
    MAX_LINE_CHARS,
    NS_PER_MS,
    make_fault,
    parse_count,
    parse_duration,
)

WORDS = ("min", "max", "avg")
FIGURE = re.compile(r"(?P<word>\w{3}) = {1,20}(?P<number>\S{1,40}?)(?P<unit> ?ms|)(?: {1,4}|$)")
START = re.compile(r" (?:min|max) = ")


def parse_figures(line: str, resolution_ns: int, *, unit: str) -> tuple[str, dict[str, int]] | None:
    """The name before the first figure, and "min", "max" and "avg" in ns; None for a line of another kind.

    Args:
        unit: what stands after each figure: "ms", or "" for nothing.

    Raises: OutputFault.
    """
    start = START.search(line) if len(line) <= MAX_LINE_CHARS else None
    if start is None:
        return None
    times: dict[str, int] = {}
    place = start.start() + 1
    rest = line.rstrip()
    while place < len(rest):
        match = FIGURE.match(rest, place)
        if match is None or match["word"] not in WORDS or match["word"] in times or match["unit"].strip() != unit:
            raise make_fault("a line of figures is not understood", line)
        times[match["word"]] = parse_duration(match["number"], NS_PER_MS, line)
        place = match.end()
    if len(times) != len(WORDS):
        raise make_fault("a line of figures is cut off", line)
    if times["avg"] == 0:
        raise make_fault(f"a model that takes less than the {resolution_ns / NS_PER_MS:g} ms that are printed", line)
    return line[: start.start()].strip(), times


def make_imported(
    name: str,
    times: dict[str, int],
    *,
    count: int,
    warmup_count: int | None,
    engine: str,
    delegate: str | None,
    thread_count: int | None,
    resolution_ns: int,
    notes: tuple[str, ...],
) -> Imported:
    summary = Summary(
        count=count,
        mean_ns=times["avg"],
        min_ns=times["min"],
        max_ns=times["max"],
        warmup_count=warmup_count,
    )
    return Imported(
        name=name,
        measurement=measure_summary(summary, "mean", resolution_ns=resolution_ns),
        engine=engine,
        delegate=delegate,
        thread_count=thread_count,
        notes=notes,
    )


def find_setting(line: str, label: str) -> int | None:
    """The number after "label = " of a line that begins so."""
    if not line.startswith(f"{label} = "):
        return None
    return parse_count(line.removeprefix(f"{label} = ").strip(), line, at_least=0)


def refuse_twins(found: Sequence[Imported]) -> tuple[Imported, ...]:
    """The models, when each has a name of its own. Raises: OutputFault."""
    if not found:
        raise make_fault("no line with min, max and avg of a model")
    name, count = Counter(item.name for item in found).most_common(1)[0]
    if count > 1:
        raise make_fault(f"{count} lines are about {name!r}", cure="give the output of one run")
    return tuple(found)
