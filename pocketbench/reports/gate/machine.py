"""The machine, its state before and after, and the tools on both sides, as rows of text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pocketbench.core.gate_records import GateReport
from pocketbench.core.units import format_bytes, format_celsius, format_frequency
from pocketbench.reports.gate.wording import flatten_text, format_duration

UNKNOWN = "not known"

Value = TypeVar("Value")


def describe_machine(report: GateReport) -> list[tuple[str, str]]:
    """(property, value) of the device and of the run."""
    device, before, after = report.device, report.conditions_before, report.conditions_after
    rows = [
        ("Device", " ".join(filter(None, [device.model, device.soc])) or device.device_id),
        ("Processor", before.cpu_model or UNKNOWN),
        ("Cores", UNKNOWN if device.core_count is None else str(device.core_count)),
        ("Memory", UNKNOWN if device.memory_bytes is None else format_bytes(device.memory_bytes)),
        ("System", " ".join(filter(None, [device.os_version, device.abi])) or UNKNOWN),
        ("Load average", _span(before.load_average, after.load_average, "{:.2f}".format)),
        ("Governor", _span(before.governor, after.governor, str)),
        ("Clock", _span(before.frequency_khz, after.frequency_khz, format_frequency)),
        ("Temperature", _span(before.temperature_celsius, after.temperature_celsius, format_celsius)),
        ("Memory available", _span(before.memory_available_bytes, after.memory_available_bytes, format_bytes)),
        ("Started", f"{report.started_at}, took {format_duration(report.duration_s)}"),
        ("pocketbench", report.pocketbench_version),
    ]
    return [(name, flatten_text(text)) for name, text in rows]


def list_tools(report: GateReport) -> list[tuple[str, str, str]]:
    """(tool, version in base, version in head) by name, those that differ first: they may be why a file changed."""
    base: dict[str, set[str]] = {}
    head: dict[str, set[str]] = {}
    for cell in report.cells:
        for tools, found in ((cell.base_tools, base), (cell.head_tools, head)):
            for name, version in tools.items():
                found.setdefault(name, set()).add(version)
    names = sorted(set(base) | set(head), key=lambda name: (base.get(name) == head.get(name), name))
    return [(flatten_text(name), _join(base.get(name)), _join(head.get(name))) for name in names]


def _join(versions: set[str] | None) -> str:
    return flatten_text(", ".join(sorted(versions))) if versions else "none"


def _span(before: Value | None, after: Value | None, form: Callable[[Value], str]) -> str:
    first, last = (UNKNOWN if value is None else form(value) for value in (before, after))
    return first if first == last else f"{first} before, {last} after"
