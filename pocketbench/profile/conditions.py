"""The state of the host at one moment. What the system does not tell is None."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from pocketbench.core.records import Conditions
from pocketbench.profile.memory import parse_kib

# Names of sensors on or beside the processor: thermal zones (ARM, Intel) and hwmon drivers (AMD, Intel).
ZONE_WORDS = ("cpu", "pkg", "soc", "cluster")
SENSOR_NAMES = ("coretemp", "k10temp", "zenpower", "cpu_thermal")
PLAUSIBLE_CELSIUS = (-40.0, 150.0)  # unconnected sensors report -273 or 255

CPU_NAME_KEYS = ("model name", "Model", "Hardware", "cpu model")


def read_conditions(root: Path = Path("/")) -> Conditions:
    """What can move a latency: load, clock, heat, memory. The frequency and the temperature are the highest found.

    Args:
        root: where /proc and /sys are.
    """
    cpuinfo = read_text(root / "proc/cpuinfo") or ""
    return Conditions(
        taken_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        cpu_model=parse_cpu_model(cpuinfo) or read_sysctl("machdep.cpu.brand_string"),
        load_average=_read_load_average(root),
        governor=_read_governor(root),
        frequency_khz=_read_frequency_khz(root, cpuinfo),
        temperature_celsius=_read_temperature(root),
        memory_available_bytes=parse_kib(read_text(root / "proc/meminfo") or "", "MemAvailable"),
    )


def read_text(path: Path) -> str | None:
    """The text of a file of /proc or /sys, without the space around it; None when it can't be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \n")
    except OSError:
        return None


def read_sysctl(name: str) -> str | None:
    """A value of macOS's sysctl; None where there is no such program or name."""
    try:
        done = subprocess.run(["sysctl", "-n", name], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def parse_cpuinfo(text: str, keys: Iterable[str]) -> str | None:
    """The first value of the first of `keys` that /proc/cpuinfo has."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if value.strip():
            values.setdefault(key.strip(), value.strip())
    return next((values[key] for key in keys if key in values), None)


def parse_cpu_model(cpuinfo: str) -> str | None:
    """The processor's name in /proc/cpuinfo: x86 says "model name", ARM boards "Model" or "Hardware"."""
    return parse_cpuinfo(cpuinfo, CPU_NAME_KEYS)


def _read_load_average(root: Path) -> float | None:
    text = read_text(root / "proc/loadavg")
    if text is not None:
        return float(text.split()[0])
    try:
        return os.getloadavg()[0]
    except OSError:
        return None


def _read_governor(root: Path) -> str | None:
    """The governors of all cores: one name when they agree."""
    texts = [read_text(path) for path in root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor")]
    return ",".join(sorted({text for text in texts if text})) or None


def _read_frequency_khz(root: Path, cpuinfo: str) -> int | None:
    """The clock of the fastest core now: the one that works."""
    texts = [read_text(path) for path in root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq")]
    frequencies = [int(text) for text in texts if text and text.isdigit()]
    for line in cpuinfo.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "cpu MHz" and not texts:
            frequencies.append(round(float(value) * 1000))
    return max(frequencies, default=None)


def _read_temperature(root: Path) -> float | None:
    readings = []
    for zone in root.glob("sys/class/thermal/thermal_zone*"):
        kind = (read_text(zone / "type") or "").lower()
        if any(word in kind for word in ZONE_WORDS):
            readings.append(read_text(zone / "temp"))
    for sensor in root.glob("sys/class/hwmon/hwmon*"):
        if read_text(sensor / "name") in SENSOR_NAMES:
            readings.extend(read_text(path) for path in sensor.glob("temp*_input"))
    low, high = PLAUSIBLE_CELSIUS
    temperatures = [int(text) / 1000 for text in readings if text and text.lstrip("-").isdigit()]
    return max((value for value in temperatures if low < value < high), default=None)
