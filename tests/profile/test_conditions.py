from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

import pytest

from pocketbench.core.jsonio import to_plain
from pocketbench.core.records import CoreCluster, CoreState
from pocketbench.profile.agent.machine_state import (
    parse_cpu_model,
    parse_throttled,
    read_facts,
    read_is_virtual,
    read_state,
)
from pocketbench.profile.conditions import make_conditions, read_conditions
from pocketbench.profile.device import make_device, read_host_device

X86 = "model\t\t: 17\nmodel name\t: Some Processor @ 2 GHz\ncpu MHz\t\t: 1996.2\nflags\t\t: fpu hypervisor\n"
ARM = "processor\t: 0\nCPU part\t: 0xd08\n\nHardware\t: BCM2711\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n"


def write_tree(root: Path, **files: str) -> Path:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


@pytest.fixture(autouse=True)
def _no_sysctl(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux has a sysctl too; a machine described by a folder has none."""
    monkeypatch.setattr("pocketbench.profile.agent.machine_state.read_sysctl", lambda _: None)


def write_board(root: Path) -> Path:
    cpu = "sys__devices__system__cpu__"
    return write_tree(
        root,
        **{
            "proc__cpuinfo": ARM,
            "proc__loadavg": "0.52 0.58 0.59 1/602 1234",
            "proc__meminfo": "MemTotal:  4000000 kB\nMemAvailable:    2000000 kB",
            "proc__device-tree__model": "Raspberry Pi 4 Model B Rev 1.4\0",
            f"{cpu}cpu0__cpufreq__scaling_governor": "schedutil",
            f"{cpu}cpu1__cpufreq__scaling_governor": "performance",
            f"{cpu}cpu0__cpufreq__scaling_cur_freq": "600000",
            f"{cpu}cpu1__cpufreq__scaling_cur_freq": "1500000",
            f"{cpu}cpu0__cpufreq__scaling_min_freq": "600000",
            f"{cpu}cpu0__cpufreq__scaling_max_freq": "1800000",
            f"{cpu}cpu0__cpufreq__cpuinfo_max_freq": "1800000",
            f"{cpu}cpu1__cpufreq__cpuinfo_max_freq": "1800000",
            f"{cpu}cpu10__cpufreq__cpuinfo_max_freq": "1500000",
            f"{cpu}cpufreq__policy0__scaling_governor": "not a core",
            "sys__devices__platform__soc__soc:firmware__get_throttled": "50005",
            "proc__device-tree__compatible": "raspberrypi,4-model-b\0brcm,bcm2711\0",
            "proc__device-tree__serial-number": "10000000abcdef01\0",
            "sys__class__thermal__thermal_zone0__type": "cpu-thermal",
            "sys__class__thermal__thermal_zone0__temp": "48312",
            "sys__class__thermal__thermal_zone1__type": "battery",
            "sys__class__thermal__thermal_zone1__temp": "90000",
            "sys__class__thermal__thermal_zone2__type": "cluster1-thermal",
            "sys__class__thermal__thermal_zone2__temp": "-273000",
            "sys__class__hwmon__hwmon0__name": "k10temp",
            "sys__class__hwmon__hwmon0__temp1_input": "51000",
            "sys__class__hwmon__hwmon1__name": "nvme",
            "sys__class__hwmon__hwmon1__temp1_input": "77000",
        },
    )


def test_a_board(tmp_path: Path) -> None:
    conditions = read_conditions(write_board(tmp_path))
    assert conditions.cpu_model == "Raspberry Pi 4 Model B Rev 1.4"
    assert conditions.load_average == 0.52
    assert conditions.governor == "performance,schedutil"
    assert conditions.frequency_khz == 1_500_000
    assert conditions.temperature_celsius == 51.0
    assert conditions.memory_available_bytes == 2_000_000 * 1024
    assert conditions.throttle_flags == 0x50005
    assert datetime.fromisoformat(conditions.taken_at).utcoffset().total_seconds() == 0


def test_the_cores_of_a_board(tmp_path: Path) -> None:
    root = write_board(tmp_path)
    assert read_conditions(root).cores == (
        CoreState(core=0, governor="schedutil", min_khz=600_000, max_khz=1_800_000, current_khz=600_000),
        CoreState(core=1, governor="performance", min_khz=None, max_khz=None, current_khz=1_500_000),
        CoreState(core=10, governor=None, min_khz=None, max_khz=None, current_khz=None),
    )
    assert read_host_device(root).clusters == (
        CoreCluster(cores=(10,), max_khz=1_500_000),
        CoreCluster(cores=(0, 1), max_khz=1_800_000),
    )


def test_what_a_board_answers_makes_the_same_records(tmp_path: Path) -> None:
    """The agent answers in JSON, where tuples are lists."""
    root = write_board(tmp_path)
    state = json.loads(json.dumps(read_state(root)))
    assert to_plain(make_conditions(state)) == to_plain(read_conditions(root)) | {"taken_at": state["taken_at"]}
    facts = json.loads(json.dumps(read_facts(root)))
    assert make_device(facts, "host") == read_host_device(root)


def test_boards_of_one_image_are_told_apart_by_their_serial_number(tmp_path: Path) -> None:
    facts = read_facts(write_board(tmp_path))
    board = make_device(facts, "ssh")
    assert (board.transport, board.model, board.soc) == ("ssh", "Raspberry Pi 4 Model B Rev 1.4", "bcm2711")
    assert board.device_id.startswith("ssh-")
    assert make_device(facts | {"serial": "another"}, "ssh").device_id != board.device_id


@pytest.mark.parametrize(
    ("text", "flags"), [("throttled=0x0", 0), ("throttled=0x50000\n", 0x50000), ("e0008", 0xE0008), ("error", None)]
)
def test_a_raspberry_pi_says_why_its_clock_is_held_down(text: str, flags: int | None) -> None:
    assert parse_throttled(text) == flags


def test_a_machine_that_tells_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError

    monkeypatch.setattr(os, "getloadavg", refuse)
    conditions = read_conditions(tmp_path)
    assert conditions.taken_at
    others = (
        conditions.cpu_model,
        conditions.load_average,
        conditions.governor,
        conditions.frequency_khz,
        conditions.temperature_celsius,
        conditions.memory_available_bytes,
    )
    assert others == (None,) * 6
    assert conditions.cores == ()
    assert conditions.throttle_flags is None
    device = read_host_device(tmp_path)
    assert (device.model, device.soc, device.memory_bytes) == (None, None, None)
    assert read_is_virtual(tmp_path) is None


def test_this_machine() -> None:
    conditions = read_conditions()
    assert conditions.load_average is not None
    assert conditions.memory_available_bytes > 1_000_000
    device = read_host_device()
    assert device == read_host_device()
    assert device.transport == "host"
    assert device.core_count == len(os.sched_getaffinity(0))
    assert device.memory_bytes > conditions.memory_available_bytes


def test_a_virtual_pc(tmp_path: Path) -> None:
    root = write_tree(
        tmp_path,
        proc__cpuinfo=X86,
        sys__class__dmi__id__product_name="Cloud Machine",
        **{"etc__os-release": 'NAME=Debian\nPRETTY_NAME="Debian GNU/Linux 12"'},
    )
    assert parse_cpu_model(X86) == "Some Processor @ 2 GHz"
    assert read_conditions(root).frequency_khz == 1_996_200
    assert read_is_virtual(root) is True
    device = read_host_device(root)
    assert device.model == "Cloud Machine"
    assert device.soc == "Some Processor @ 2 GHz"
    assert device.os_version.startswith("Debian GNU/Linux 12, ")
    (root / "proc/cpuinfo").write_text(X86.replace("hypervisor", "avx"))
    assert read_is_virtual(root) is False


def test_the_identity_follows_the_machine_and_not_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_board(tmp_path)
    first = read_host_device(root).device_id
    monkeypatch.setattr("platform.node", lambda: "another-container")
    assert read_host_device(root).device_id == first
    write_tree(root, **{"etc__machine-id": "0123456789abcdef"})
    second = read_host_device(root).device_id
    assert second != first
    assert "0123456789abcdef" not in second
    assert read_host_device(root).model == "Raspberry Pi 4 Model B Rev 1.4"
