"""Xcode's Core ML performance report: the file report.json in a .mlperf bundle.

Apple does not document the file. What is known comes from programs that read reports of Xcode 16: the samples stand in
deviceResults.predict.samples, in seconds; computeUnit is the number of MLComputeUnits; modelMetadata and deviceInfo
name the model and the device. Which unit each operation ran on is not in it. Anything else is an error.
"""

from __future__ import annotations

from pocketbench.profile.parsers.imported import Imported, measure_samples
from pocketbench.profile.parsers.json_text import JsonTable, find_keys, parse_json_table
from pocketbench.profile.parsers.output_fault import NS_PER_S, NS_PER_US, make_fault

# MLComputeUnits of Core ML, by its number, as coremltools names them
COMPUTE_UNITS = ("cpu_only", "cpu_and_gpu", "all", "cpu_and_ne")
MAX_SAMPLE_NS = 60 * NS_PER_S


def is_xcode_report(text: str) -> bool:
    return "deviceResults" in find_keys(text)


def parse_xcode_report(text: str) -> tuple[Imported, ...]:
    """Raises: OutputFault, which names the key."""
    table = parse_json_table(text)
    results = table.table("deviceResults")
    predict = results.table("predict")
    samples = predict.durations_ns("samples", NS_PER_S)
    if samples and max(samples) > MAX_SAMPLE_NS:
        raise make_fault(
            f"deviceResults.predict.samples has {max(samples) / NS_PER_S:g} s, and no prediction takes a minute: this "
            "report has another unit than seconds"
        )
    unit = table.count("computeUnit")
    if unit >= len(COMPUTE_UNITS):
        raise table.fault("computeUnit", f"a number from 0 to {len(COMPUTE_UNITS) - 1}")
    model, device = _get_table(table, "modelMetadata"), _get_table(table, "deviceInfo")
    counted = predict.count("numOperations") if predict.has("numOperations") else None
    return (
        Imported(
            name=_get_text(model, "fileName"),
            measurement=measure_samples(
                samples, resolution_ns=NS_PER_US, has_first=False, load_ns=_read_load_ns(results)
            ),
            engine="coreml",
            delegate=COMPUTE_UNITS[unit],
            device_model=_get_text(device, "modelName"),
            os_version=_get_text(device, "osNameAndVersionWithoutBuildNumber"),
            notes=() if counted is None else (f"{counted} operations; the report does not tell where each one ran.",),
        ),
    )


def _read_load_ns(results: JsonTable) -> int | None:
    """The first load, where the report has loads in the same form as predictions."""
    load = results.values.get("load")
    if not isinstance(load, dict) or not isinstance(load.get("samples"), list) or not load["samples"]:
        return None
    return JsonTable(load, "deviceResults.load").durations_ns("samples", NS_PER_S)[0]


def _get_table(table: JsonTable, key: str) -> JsonTable:
    return table.table(key) if table.has(key) else JsonTable({}, key)


def _get_text(table: JsonTable, key: str) -> str | None:
    return (table.text(key).strip() or None) if table.has(key) else None
