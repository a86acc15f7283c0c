"""The host as a device."""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path

from pocketbench.core.records import Device
from pocketbench.profile.conditions import parse_cpu_model, parse_cpuinfo, read_sysctl, read_text
from pocketbench.profile.memory import parse_kib


def read_host_device(root: Path = Path("/")) -> Device:
    """The machine that this program runs on.

    `device_id` is a hash of /etc/machine-id, where there is one, and of the hardware; never of the host name, which
    containers draw anew for each start.

    Args:
        root: where /etc, /proc and /sys are.
    """
    soc = parse_cpu_model(read_text(root / "proc/cpuinfo") or "") or read_sysctl("machdep.cpu.brand_string")
    abi = platform.machine()
    core_count = count_cores()
    memory_bytes = parse_kib(read_text(root / "proc/meminfo") or "", "MemTotal") or _read_sysctl_int("hw.memsize")
    machine = read_text(root / "etc/machine-id") or ""
    identity = "\n".join(["pocketbench", machine, str(soc), abi, str(core_count), str(memory_bytes)])
    return Device(
        device_id=f"host-{hashlib.sha256(identity.encode()).hexdigest()[:12]}",
        transport="host",
        model=_read_model(root),
        soc=soc,
        os_version=_read_os_version(root),
        abi=abi,
        core_count=core_count,
        memory_bytes=memory_bytes,
    )


def count_cores() -> int | None:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def read_is_virtual(root: Path = Path("/")) -> bool | None:
    """Whether the machine is a virtual one: x86 processors say so by the flag "hypervisor". None where nothing says."""
    flags = parse_cpuinfo(read_text(root / "proc/cpuinfo") or "", ["flags"])
    return None if flags is None else "hypervisor" in flags.split()


def _read_model(root: Path) -> str | None:
    """The product: of the firmware on PCs, of the device tree on boards, of sysctl on macOS."""
    for path in ("sys/class/dmi/id/product_name", "proc/device-tree/model"):
        text = read_text(root / path)
        if text:
            return text
    return read_sysctl("hw.model")


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
