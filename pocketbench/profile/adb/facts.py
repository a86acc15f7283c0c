"""What an Android phone is: model, processor, cores by frequency, ABI, Android's version, memory."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping

from pocketbench.core.records import CoreCluster, Device
from pocketbench.profile.adb.client import AdbClient
from pocketbench.profile.adb.remote_line import join_script
from pocketbench.profile.agent.memory import parse_kib

_PROPERTY = re.compile(r"^\[(?P<key>[^\]]+)\]: \[(?P<value>.*)\]$")
_CORE_LINE = re.compile(r"/cpu(?P<core>\d{1,3})/cpufreq/(?P<file>[a-z_]+):(?P<value>.*)")
# grep names each file in front of what it holds, and passes over what this user may not read.
_READ_CPUFREQ = 'for file; do grep -sH "" /sys/devices/system/cpu/cpu[0-9]*/cpufreq/$file; done; true'
_MAX_CORES = 1024


def read_phone_device(client: AdbClient, name: str) -> Device:
    """Raises: ConnectionFault."""
    properties = parse_properties(client.read(["getprop"]) or "")
    serial = properties.get("ro.serialno") or client.serial
    return Device(
        device_id=f"adb-{hashlib.sha256(f'pocketbench adb {serial}'.encode()).hexdigest()[:12]}",
        transport="adb",
        model=name_model(properties),
        soc=name_soc(properties),
        os_version=name_os(properties),
        abi=properties.get("ro.product.cpu.abi"),
        core_count=parse_core_count(client.read(["cat", "/sys/devices/system/cpu/present"]) or ""),
        memory_bytes=parse_kib(client.read(["cat", "/proc/meminfo"]) or "", "MemTotal"),
        name=name,
        clusters=group_cores(read_core_files(client, "cpuinfo_max_freq")),
    )


def read_abis(client: AdbClient) -> tuple[str, ...]:
    """The ABIs that the phone runs, its own first. Raises: ConnectionFault."""
    properties = parse_properties(client.read(["getprop"]) or "")
    names = properties.get("ro.product.cpu.abilist") or properties.get("ro.product.cpu.abi") or ""
    return tuple(name for name in names.split(",") if name)


def read_core_files(client: AdbClient, *files: str) -> dict[int, dict[str, str]]:
    """What the files of /sys/devices/system/cpu/cpuN/cpufreq hold, by core and file. Raises: ConnectionFault."""
    return parse_core_files(client.read(join_script(_READ_CPUFREQ, *files)) or "")


def parse_core_files(text: str) -> dict[int, dict[str, str]]:
    """Lines `.../cpu4/cpufreq/scaling_governor:schedutil` by core and file."""
    cores: dict[int, dict[str, str]] = defaultdict(dict)
    for found in map(_CORE_LINE.search, text.splitlines()):
        if found:
            cores[int(found["core"])][found["file"]] = found["value"].strip()
    return dict(sorted(cores.items()))


def group_cores(cores: Mapping[int, Mapping[str, str]]) -> tuple[CoreCluster, ...]:
    """Cores of one cpuinfo_max_freq together, slowest first; a core that does not tell it is in none."""
    by_frequency: dict[int, list[int]] = defaultdict(list)
    for core, files in cores.items():
        frequency = parse_khz(files.get("cpuinfo_max_freq"))
        if frequency is not None:
            by_frequency[frequency].append(core)
    return tuple(CoreCluster(cores=tuple(by_frequency[khz]), max_khz=khz) for khz in sorted(by_frequency))


def parse_khz(text: str | None) -> int | None:
    """A frequency of cpufreq; None for anything else, and for 0, which some kernels give for an idle core."""
    return int(text) if text and re.fullmatch(r"[0-9]{1,9}", text) and int(text) else None


def parse_properties(text: str) -> dict[str, str]:
    """What getprop lists: lines `[key]: [value]`; empty values are left out."""
    found = (_PROPERTY.match(line.strip()) for line in text.splitlines())
    return {item["key"]: item["value"] for item in found if item and item["value"]}


def parse_core_count(text: str) -> int | None:
    """The number of cores in a list of the kernel: "0-3,6" is 5."""
    cores: set[int] = set()
    for part in text.strip().split(","):
        found = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", part)
        if not found:
            return None
        first, last = int(found[1]), int(found[2] or found[1])
        if not first <= last < _MAX_CORES:
            return None
        cores.update(range(first, last + 1))
    return len(cores)


def name_model(properties: Mapping[str, str]) -> str | None:
    """ "Google Pixel 4"; the maker stands once where the model holds it."""
    maker, model = properties.get("ro.product.manufacturer"), properties.get("ro.product.model")
    if maker and model and not model.lower().startswith(maker.lower()):
        return f"{maker} {model}"
    return model or maker


def name_soc(properties: Mapping[str, str]) -> str | None:
    """ "QTI SM8150" from Android 12 on; else the chip's or the platform's name ("msmnile")."""
    maker, model = properties.get("ro.soc.manufacturer"), properties.get("ro.soc.model")
    if model:
        return f"{maker} {model}" if maker else model
    return next(
        (properties[key] for key in ("ro.hardware.chipname", "ro.board.platform", "ro.hardware") if key in properties),
        None,
    )


def name_os(properties: Mapping[str, str]) -> str | None:
    """ "Android 13 (TP1A.221005.002)"."""
    release, build = properties.get("ro.build.version.release"), properties.get("ro.build.id")
    if release is None:
        return None
    return f"Android {release}" + (f" ({build})" if build else "")
