"""The state of a phone at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pocketbench.core.records import Conditions, CoreState
from pocketbench.profile.adb.client import AdbClient
from pocketbench.profile.adb.dumpsys import (
    parse_battery,
    parse_cpu_celsius,
    parse_screen_on,
    parse_thermal_status,
)
from pocketbench.profile.adb.facts import parse_core_files, parse_khz, read_core_files
from pocketbench.profile.adb.remote_line import join_script
from pocketbench.profile.agent.memory import parse_kib

# The model runs for LOOK_AFTER_S before the clocks are looked at, and some time longer.
LOOK_AFTER_S = 1
_READ_WHILE = (
    f'"$@" >/dev/null 2>&1 & p=$!; sleep {LOOK_AFTER_S}; '
    'grep -sH "" /sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq; wait $p; true'
)
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


def read_loaded_clocks(client: AdbClient, command: Sequence[str], timeout_s: float) -> dict[int, int]:
    """The cores' frequencies in kHz while a model runs: those of an idle phone say nothing about it.

    Args:
        command: a run of some two seconds, whose result is not looked at.

    Raises: ConnectionFault.
    """
    answer = client.shell(join_script(_READ_WHILE, *command), timeout_s)
    clocks = {core: parse_khz(files.get("scaling_cur_freq")) for core, files in parse_core_files(answer.text).items()}
    return {core: khz for core, khz in clocks.items() if khz is not None}


def set_clocks(conditions: Conditions, clocks: Mapping[int, int]) -> Conditions:
    """The conditions with the frequencies of `read_loaded_clocks`, where they are known."""
    if not clocks:
        return conditions
    cores = tuple(replace(core, current_khz=clocks.get(core.core, core.current_khz)) for core in conditions.cores)
    return replace(conditions, cores=cores, frequency_khz=max(clocks.values()))


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
