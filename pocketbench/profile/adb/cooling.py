"""Waiting until a phone is cool."""

from __future__ import annotations

from collections.abc import Callable

from pocketbench.core.errors import DeviceFault
from pocketbench.core.units import format_celsius
from pocketbench.profile.adb.client import AdbClient
from pocketbench.profile.adb.dumpsys import parse_battery, parse_thermal_status
from pocketbench.profile.device_entry import MAX_BATTERY_CELSIUS, DeviceEntry

POLL_S = 5.0


class HeatFault(DeviceFault):
    """The phone did not cool down in the time it was given."""


def find_heat(client: AdbClient, entry: DeviceEntry, *, with_battery: bool = True) -> str | None:
    """What is too warm now, with its limit; None when nothing is, or when the phone does not tell.

    Raises: ConnectionFault.
    """
    reasons = []
    limit = MAX_BATTERY_CELSIUS if entry.max_celsius is None else entry.max_celsius
    if with_battery:
        celsius = parse_battery(client.read(["dumpsys", "battery"]) or "").celsius
        if celsius is not None and celsius > limit:
            reasons.append(f"the battery is at {format_celsius(celsius)} (limit {format_celsius(limit)})")
    status = parse_thermal_status(client.read(["dumpsys", "thermalservice"]) or "")
    if status is not None and status > entry.max_thermal_status:
        reasons.append(f"the thermal status is {status} (limit {entry.max_thermal_status})")
    return " and ".join(reasons) or None


def await_cool(
    client: AdbClient, entry: DeviceEntry, on_wait: Callable[[str], None], *, with_battery: bool = True
) -> None:
    """Return when the phone is cool.

    Args:
        on_wait: is told what is too warm, each time it was looked at.
        with_battery: whether the battery's temperature counts, too, and not only the thermal status: a battery warms
            in the course of a session, which is no reason to interrupt it.

    Raises:
        HeatFault: when it is not cool after the entry's `cool_wait_s`.
        ConnectionFault: when the phone does not answer.
    """
    deadline = client.clock.now() + entry.cool_wait_s
    while True:
        heat = find_heat(client, entry, with_battery=with_battery)
        if heat is None:
            return
        if client.clock.now() >= deadline:
            raise HeatFault(
                f"{entry.name} did not cool down within {entry.cool_wait_s:g} s: {heat}",
                "let it rest, take it out of its case and off the charger; or set max_celsius, max_thermal_status or "
                "cool_wait_s in devices.toml",
            )
        on_wait(heat)
        client.clock.sleep(POLL_S)
