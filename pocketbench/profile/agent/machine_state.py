"""A machine by itself: what it is and how it stands, as plain values. Runs on Python 3.9, standard library alone: the
host reads itself with it, and a board is asked by the agent. What the system does not tell is None.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from pocketbench.profile.agent.memory import parse_kib

# Names of sensors on or beside the processor: thermal zones (ARM, Intel) and hwmon drivers (AMD, Intel).
ZONE_WORDS = ("cpu", "pkg", "soc", "cluster")
SENSOR_NAMES = ("coretemp", "k10temp", "zenpower", "cpu_thermal")
PLAUSIBLE_CELSIUS = (-40.0, 150.0)  # unconnected sensors report -273 or 255

CPU_NAME_KEYS = ("model name", "Model", "Hardware", "cpu model")
PROGRAM_WAIT_S = 5
THROTTLED_FILES = "sys/devices/platform/soc*/*firmware/get_throttled"


def read_state(root: Path = Path("/")) -> dict[str, Any]:
    """What can move a latency, by the names of `records.Conditions`: load, clock, heat, memory.

    The frequency and the temperature are the highest found.

    Args:
        root: where /proc and /sys are.
    """
    cpuinfo = read_text(root / "proc/cpuinfo") or ""
    cores = read_cores(root)
    return {
        "taken_at": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),  # noqa: UP017 (not in Python 3.9)
        "cpu_model": parse_cpu_model(cpuinfo) or read_sysctl("machdep.cpu.brand_string"),
        "load_average": _read_load_average(root),
        "governor": ",".join(sorted({core["governor"] for core in cores if core["governor"]})) or None,
        "frequency_khz": _find_frequency_khz(cores, cpuinfo),
        "temperature_celsius": _read_temperature(root),
        "memory_available_bytes": parse_kib(read_text(root / "proc/meminfo") or "", "MemAvailable"),
        "cores": cores,
        "throttle_flags": _read_throttle_flags(root),
    }


def read_facts(root: Path = Path("/")) -> dict[str, Any]:
    """What the machine is: the fields of `records.Device` without its name, and what tells it from others."""
    cpu_model = parse_cpu_model(read_text(root / "proc/cpuinfo") or "") or read_sysctl("machdep.cpu.brand_string")
    return {
        "machine_id": read_text(root / "etc/machine-id") or "",
        # images of SD cards are copied, and with them machine-id
        "serial": read_text(root / "proc/device-tree/serial-number") or "",
        "system": platform.system(),
        "cpu_model": cpu_model,
        "model": _read_model(root),
        "soc": _read_soc(root) or cpu_model,
        "os_version": _read_os_version(root),
        "abi": platform.machine(),
        "core_count": count_cores(),
        "memory_bytes": parse_kib(read_text(root / "proc/meminfo") or "", "MemTotal") or _read_sysctl_int("hw.memsize"),
        "clusters": read_clusters(root),
        "is_virtual": read_is_virtual(root),
    }


def read_cores(root: Path = Path("/")) -> list[dict[str, Any]]:
    """The cores whose clock the system sets, in order, by the names of `records.CoreState`."""
    return [
        {
            "core": core,
            "governor": read_text(folder / "scaling_governor") or None,
            "min_khz": _read_whole(folder / "scaling_min_freq"),
            "max_khz": _read_whole(folder / "scaling_max_freq"),
            "current_khz": _read_whole(folder / "scaling_cur_freq"),
        }
        for core, folder in _list_frequency_folders(root)
    ]


def read_clusters(root: Path = Path("/")) -> list[dict[str, Any]]:
    """The cores by their highest frequency, slowest first, by the names of `records.CoreCluster`."""
    groups: dict[int, list[int]] = {}
    for core, folder in _list_frequency_folders(root):
        max_khz = _read_whole(folder / "cpuinfo_max_freq")
        if max_khz:
            groups.setdefault(max_khz, []).append(core)
    return [{"cores": groups[max_khz], "max_khz": max_khz} for max_khz in sorted(groups)]


def count_cores() -> int | None:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def read_is_virtual(root: Path = Path("/")) -> bool | None:
    """Whether the machine is a virtual one: x86 processors say so by the flag "hypervisor". None where nothing says."""
    flags = parse_cpuinfo(read_text(root / "proc/cpuinfo") or "", ["flags"])
    return None if flags is None else "hypervisor" in flags.split()


def read_text(path: Path) -> str | None:
    """The text of a file of /proc or /sys, without the space around it; None when it can't be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0 \n")
    except OSError:
        return None


def read_sysctl(name: str) -> str | None:
    """A value of macOS's sysctl; None where there is no such program or name."""
    return _read_output(["sysctl", "-n", name])


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


def parse_throttled(text: str) -> int | None:
    """The number in what a Raspberry Pi says: "throttled=0x50005" of vcgencmd, "50005" of its driver."""
    digits = text.strip().rpartition("=")[2]
    try:
        return int(digits, 16)
    except ValueError:
        return None


def _list_frequency_folders(root: Path) -> list[tuple[int, Path]]:
    folders = root.glob("sys/devices/system/cpu/cpu[0-9]*/cpufreq")
    return sorted((int(folder.parent.name[3:]), folder) for folder in folders if folder.parent.name[3:].isdigit())


def _read_whole(path: Path) -> int | None:
    text = read_text(path)
    return int(text) if text and text.isdigit() else None


def _read_load_average(root: Path) -> float | None:
    text = read_text(root / "proc/loadavg")
    if text is not None:
        return float(text.split()[0])
    try:
        return os.getloadavg()[0]
    except OSError:
        return None


def _find_frequency_khz(cores: list[dict[str, Any]], cpuinfo: str) -> int | None:
    """The clock of the fastest core now: the one that works."""
    frequencies = [core["current_khz"] for core in cores if core["current_khz"] is not None]
    if not frequencies:
        lines = [line.partition(":") for line in cpuinfo.splitlines()]
        frequencies = [round(float(value) * 1000) for key, _, value in lines if key.strip() == "cpu MHz"]
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


def _read_throttle_flags(root: Path) -> int | None:
    """Why a Raspberry Pi's firmware holds its clock down; only that board tells."""
    text = next((read_text(path) for path in root.glob(THROTTLED_FILES)), None)
    if text is None and root == Path("/") and shutil.which("vcgencmd") is not None:
        text = _read_output(["vcgencmd", "get_throttled"])
    return None if text is None else parse_throttled(text)


def _read_model(root: Path) -> str | None:
    """The product: of the firmware on PCs, of the device tree on boards, of sysctl on macOS."""
    for path in ("sys/class/dmi/id/product_name", "proc/device-tree/model"):
        text = read_text(root / path)
        if text:
            return text
    return read_sysctl("hw.model")


def _read_soc(root: Path) -> str | None:
    """A board's chip is the last, most general name that its device tree fits: "brcm,bcm2712"."""
    names = (read_text(root / "proc/device-tree/compatible") or "").split("\0")
    return names[-1].rpartition(",")[2] or None


def _read_os_version(root: Path) -> str:
    text = read_text(root / "etc/os-release") or ""
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            name = value.strip('"')
            return f"{name}, {platform.system()} {platform.release()}"
    return f"{platform.system()} {platform.release()}"


def _read_sysctl_int(name: str) -> int | None:
    text = read_sysctl(name)
    return int(text) if text and text.isdigit() else None


def _read_output(command: list[str]) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROGRAM_WAIT_S, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
