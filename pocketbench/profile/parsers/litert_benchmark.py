"""The JSON that litert-benchmark writes with --result_json (ai-edge-litert 2.3). Times are in ms with two decimals."""

from __future__ import annotations

from pocketbench.core.records import Summary
from pocketbench.profile.parsers.imported import Imported, measure_summary
from pocketbench.profile.parsers.json_text import find_keys, parse_json_table
from pocketbench.profile.parsers.output_fault import NS_PER_MS, make_fault

RESOLUTION_NS = NS_PER_MS // 100
KEYS = {"model", "accelerators", "latency"}
LATENCY = {
    "load_ns": "init_ms",
    "first_ns": "warmup_first_ms",
    "warmup_mean_ns": "warmup_avg_ms",
    "mean_ns": "avg_ms",
    "median_ns": "median_ms",
    "min_ns": "min_ms",
    "max_ns": "max_ms",
    "std_ns": "std_ms",
    "p5_ns": "p5_ms",
    "p95_ns": "p95_ms",
}
WARMUP = ("first_ns", "warmup_mean_ns")


def is_litert_benchmark(text: str) -> bool:
    return find_keys(text) >= KEYS


def parse_litert_benchmark(text: str) -> tuple[Imported, ...]:
    """Raises: OutputFault, which names the key."""
    table = parse_json_table(text)
    latency = table.table("latency")
    times = {name: latency.duration_ns(key, NS_PER_MS) for name, key in LATENCY.items()}
    warmup_count = latency.count("num_warmup_runs")
    count = latency.count("num_runs", at_least=1)
    if times["median_ns"] == 0:
        raise make_fault("latency.median_ms is 0: the model takes less than the 0.01 ms that litert-benchmark tells")
    if warmup_count == 0:  # the program then writes 0 for what there was not
        for name in WARMUP:
            del times[name]
    summary = Summary(count=count, warmup_count=warmup_count, **times)
    accelerators = table.values["accelerators"] if table.has("accelerators") else []
    if not isinstance(accelerators, list) or not all(isinstance(name, str) for name in accelerators):
        raise table.fault("accelerators", "a list of names")
    others = [name for name in accelerators if name != "CPU"]
    whole = table.values.get("fully_accelerated")
    return (
        Imported(
            name=table.text("model"),
            measurement=measure_summary(summary, "median", resolution_ns=RESOLUTION_NS),
            engine="litert",
            delegate="+".join(others).lower() or None,
            thread_count=table.count("num_threads", at_least=1) if table.has("num_threads") else None,
            notes=(f"Accelerators asked for: {', '.join(accelerators)}.",)
            + (("Not all of the model ran on them.",) if whole is False else ()),
        ),
    )
