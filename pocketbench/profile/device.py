"""Machines as devices: the host, and boards by what they answered."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pocketbench.core.records import CoreCluster, Device
from pocketbench.profile.agent.machine_state import read_facts

HOST = "host"


def read_host_device(root: Path = Path("/")) -> Device:
    """The machine that this program runs on.

    Args:
        root: where /etc, /proc and /sys are.
    """
    return make_device(read_facts(root), HOST)


def make_device(facts: Mapping[str, Any], transport: str) -> Device:
    """The record of what `machine_state.read_facts` found.

    `device_id` is a hash of /etc/machine-id, where there is one, and of the hardware; never of the host name, which
    containers draw anew for each start. A board's has its serial number in it, too.
    """
    named = [facts["machine_id"], facts["cpu_model"], facts["abi"], facts["core_count"], facts["memory_bytes"]]
    identity = "\n".join(["pocketbench", *map(str, named), *([] if transport == HOST else [facts["serial"]])])
    return Device(
        device_id=f"{transport}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}",
        transport=transport,
        model=facts["model"],
        soc=facts["soc"],
        os_version=facts["os_version"],
        abi=facts["abi"],
        core_count=facts["core_count"],
        memory_bytes=facts["memory_bytes"],
        clusters=tuple(
            CoreCluster(cores=tuple(cluster["cores"]), max_khz=cluster["max_khz"]) for cluster in facts["clusters"]
        ),
    )
