"""What `pocketbench devices` prints. Names and facts come from devices: they are made printable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pocketbench.core.records import CoreCluster, Device
from pocketbench.core.units import format_bytes, make_printable
from pocketbench.profile.device_entry import DeviceCheck
from pocketbench.workflow.device_survey import SurveyedDevice

UNNAMED = "(not in devices.toml)"
KHZ_PER_GHZ = 1e6


def describe_survey(found: Iterable[SurveyedDevice]) -> Iterator[str]:
    """Two lines a device: how it is reached, what it is; or why that is not known."""
    for item in found:
        attached = item.attached
        way = " ".join(filter(None, [attached.transport, attached.address]))
        state = "ready" if attached.state == "device" else attached.state  # adb's word for it
        yield make_printable(f"{item.name or UNNAMED}  {way}  {state}")
        if attached.device is not None:
            yield make_printable(f"  {describe_device(attached.device)}")
        if attached.problem is not None:
            yield make_printable(f"  {attached.problem}")
        if attached.cure is not None:
            yield make_printable(f"  try: {attached.cure}")


def describe_device(device: Device) -> str:
    """ "Pixel 4, SM8150, arm64-v8a, Android 13; cores 0-3 at 1.79 GHz, 4-6 at 2.42 GHz, 7 at 2.84 GHz; 5.6 GB"."""
    facts = [device.model, device.soc, device.abi, device.os_version]
    parts = [", ".join(fact for fact in facts if fact), describe_cores(device)]
    if device.memory_bytes is not None:
        parts.append(format_bytes(device.memory_bytes))
    return "; ".join(filter(None, [*parts, f"in results {device.device_id}"]))


def describe_cores(device: Device) -> str | None:
    if device.clusters:
        return "cores " + ", ".join(map(_describe_cluster, device.clusters))
    return f"{device.core_count} cores" if device.core_count is not None else None


def describe_checks(checks: Sequence[DeviceCheck]) -> Iterator[str]:
    """A line a check, and what to do under those that want something."""
    width = max((len(item.subject) for item in checks), default=0)
    for item in checks:
        state = "ok" if item.cure is None else "MISSING" if item.needed else "note"
        yield make_printable(f"{state:<7}  {item.subject:<{width}}  {item.found}")
        if item.cure is not None:
            yield make_printable(f"{'':<7}  {'':<{width}}  try: {item.cure}")


def _describe_cluster(cluster: CoreCluster) -> str:
    first, last = min(cluster.cores), max(cluster.cores)
    is_range = len(cluster.cores) > 2 and len(cluster.cores) == last - first + 1
    cores = f"{first}-{last}" if is_range else ", ".join(map(str, cluster.cores))
    return f"{cores} at {cluster.max_khz / KHZ_PER_GHZ:.2f} GHz"
