"""The state of a phone at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from pocketbench.core.records import Conditions, CoreState
from pocketbench.profile.adb.client import AdbClient
from pocketbench.profile.adb.dumpsys import (
    parse_battery,
    parse_cpu_celsius,
    parse_screen_on,
    parse_thermal_status,
)
from pocketbench.profile.adb.facts import parse_khz, read_core_files
from pocketbench.profile.memory import parse_kib

CORE_FILES = ("scaling_governor", "scaling_min_freq", "scaling_max_freq", "scaling_cur_freq")


def read_phone_conditions(client: AdbClient, soc: str | None) -> Conditions:
    """Clocks, heat, battery, screen and memory of a phone.

    The load average is left out: Android's counts tasks that wait for hardware, and is high on an idle phone.

    Raises: ConnectionFault.
    """
    cores = make_core_states(read_core_files(client, *CORE_FILES))
    battery = parse_battery(client.read(["dumpsys", "battery"]) or "")
    thermal = client.read(["dumpsys", "thermalservice"]) or ""
    clocks = [core.current_khz for core in cores if core.current_khz is not None]
    return Conditions(
        taken_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        cpu_model=soc,
        load_average=None,
        governor=",".join(sorted({core.governor for core in cores if core.governor})) or None,
        frequency_khz=max(clocks, default=None),
        temperature_celsius=parse_cpu_celsius(thermal),
        memory_available_bytes=parse_kib(client.read(["cat", "/proc/meminfo"]) or "", "MemAvailable"),
        cores=cores,
        battery_celsius=battery.celsius,
        battery_fraction=battery.level_fraction,
        power_source=battery.power_source,
        thermal_status=parse_thermal_status(thermal),
        screen_on=parse_screen_on(client.read(["dumpsys", "power"]) or ""),
    )


def make_core_states(cores: Mapping[int, Mapping[str, str]]) -> tuple[CoreState, ...]:
    """The cores' states from the files of /sys (`facts.parse_core_files`)."""
    return tuple(
        CoreState(
            core=core,
            governor=files.get("scaling_governor") or None,
            min_khz=parse_khz(files.get("scaling_min_freq")),
            max_khz=parse_khz(files.get("scaling_max_freq")),
            current_khz=parse_khz(files.get("scaling_cur_freq")),
        )
        for core, files in cores.items()
    )
