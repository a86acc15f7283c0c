"""A profile of Qualcomm AI Hub: what `ProfileJob.download_profile()` of qai-hub gives, as JSON.

Times are whole us, memory is in bytes; `all_inference_times` are the samples, the process's first one among them.
Source: qai_hub.client._profile_pb_to_python_dict.
"""

from __future__ import annotations

from pocketbench.core.records import DelegateCoverage, OperatorTime
from pocketbench.profile.parsers.imported import Imported, measure_samples
from pocketbench.profile.parsers.json_text import JsonTable, find_keys, parse_json_table
from pocketbench.profile.parsers.output_fault import MAX_MEMORY_BYTES, NS_PER_MS, NS_PER_US, make_fault

UNITS = ("cpu", "gpu", "npu")
WHOLE = "execution_summary"
DETAIL = "execution_detail"


def is_ai_hub(text: str) -> bool:
    return WHOLE in find_keys(text)


def parse_ai_hub(text: str) -> tuple[Imported, ...]:
    """Raises: OutputFault, which names the key."""
    table = parse_json_table(text)
    whole = table.table(WHOLE)
    samples = whole.durations_ns("all_inference_times", NS_PER_US)
    estimated = whole.duration_ns("estimated_inference_time", NS_PER_US)
    if not samples or not min(samples) <= estimated <= max(samples):
        raise make_fault(
            f"{WHOLE}.estimated_inference_time is {estimated / NS_PER_MS:g} ms, and none of the {len(samples)} samples "
            "in all_inference_times is on both sides of it"
        )
    peak = whole.values.get("estimated_inference_peak_memory")
    if peak is not None and (type(peak) is not int or not 0 <= peak <= MAX_MEMORY_BYTES):
        raise whole.fault("estimated_inference_peak_memory", "a number of bytes")
    loads = {
        name: whole.duration_ns(key, NS_PER_US)
        for name, key in (("first", "first_load_time"), ("warm", "warm_load_time"))
        if whole.has(key)
    }
    operators = _read_operators(table.tables(DETAIL)) if table.has(DETAIL) else ()
    told = ", ".join(f"{name} {time_ns / NS_PER_MS:.1f} ms" for name, time_ns in loads.items())
    return (
        Imported(
            name=None,
            measurement=measure_samples(
                samples,
                resolution_ns=NS_PER_US,
                has_first=True,
                load_ns=loads.get("first"),
                peak_bytes=peak or None,
            ),
            engine=None,
            delegate="+".join(sorted({unit for item in operators if (unit := item.compute_unit) != "cpu" and unit}))
            or None,
            # a compiled context tells the places of its layers and 0 us for each: no times
            operators=operators if any(item.time_ns for item in operators) else None,
            coverage=_count_coverage(operators),
            notes=(f"Load: {told}.",) * bool(told) + ("AI Hub ran what it compiled from this file.",),
        ),
    )


def _read_operators(items: list[JsonTable]) -> tuple[OperatorTime, ...]:
    operators = []
    for item in items:
        unit = item.text("compute_unit").lower()
        if unit not in UNITS:
            raise item.fault("compute_unit", f"one of {', '.join(UNITS)}")
        operators.append(
            OperatorTime(
                name=item.text("name"),
                operator=item.text("type"),
                path="",
                block="",
                time_ns=float(item.duration_ns("execution_time", NS_PER_US)),
                call_count=1,
                compute_unit=unit,
            )
        )
    return tuple(operators)


def _count_coverage(operators: tuple[OperatorTime, ...]) -> DelegateCoverage | None:
    """What runs beside the processor; None where nothing does, or no layers are told."""
    taken = [item for item in operators if item.compute_unit != "cpu"]
    if not taken:
        return None
    total_ns = sum(item.time_ns for item in operators)
    return DelegateCoverage(
        delegate=" + ".join(sorted({str(item.compute_unit) for item in taken})),
        node_count=len(operators),
        delegated_node_count=len(taken),
        partition_count=None,
        time_fraction=sum(item.time_ns for item in taken) / total_ns if total_ns else None,
    )
