from __future__ import annotations

import pytest

from pocketbench.core.records import CoreCluster
from pocketbench.profile.adb.facts import (
    group_cores,
    name_model,
    name_os,
    name_soc,
    parse_core_count,
    parse_core_files,
    parse_khz,
    parse_properties,
    read_abis,
    read_phone_device,
)
from tests.profile.adb.fake_phone import FakePhone

GETPROP = """[dalvik.vm.appimageformat]: [lz4]
[ro.board.platform]: [msmnile]
[ro.build.id]: [TP1A.221005.002]
[ro.build.version.release]: [13]
[ro.odd]: [a]: [b]]
[ro.empty]: []
[ro.product.manufacturer]: [Google]
[ro.product.model]: [Pixel 4]
a line of somebody
"""


def test_properties() -> None:
    properties = parse_properties(GETPROP.replace("\n", "\r\n"))
    assert properties["ro.product.model"] == "Pixel 4"
    assert properties["ro.odd"] == "a]: [b]"
    assert "ro.empty" not in properties
    assert name_model(properties) == "Google Pixel 4"
    assert name_soc(properties) == "msmnile"
    assert name_os(properties) == "Android 13 (TP1A.221005.002)"


def test_names_of_other_makers() -> None:
    assert name_model({"ro.product.manufacturer": "OnePlus", "ro.product.model": "ONEPLUS A6013"}) == "ONEPLUS A6013"
    assert name_model({"ro.product.model": "x"}) == "x"
    assert name_model({}) is None
    assert (
        name_soc({"ro.soc.manufacturer": "QTI", "ro.soc.model": "SM8550", "ro.board.platform": "kalama"})
        == "QTI SM8550"
    )
    assert name_soc({}) is None
    assert name_os({}) is None
    assert name_os({"ro.build.version.release": "8.1.0"}) == "Android 8.1.0"


def test_cores_of_a_snapdragon_855() -> None:
    frequencies = {**dict.fromkeys(range(4), 1785600), **dict.fromkeys(range(4, 7), 2419200), 7: 2841600}
    lines = [f"/sys/devices/system/cpu/cpu{core}/cpufreq/cpuinfo_max_freq:{khz}" for core, khz in frequencies.items()]
    clusters = group_cores(parse_core_files("\n".join(reversed(lines))))
    assert clusters == (
        CoreCluster(cores=(0, 1, 2, 3), max_khz=1785600),
        CoreCluster(cores=(4, 5, 6), max_khz=2419200),
        CoreCluster(cores=(7,), max_khz=2841600),
    )
    assert sum(1 << core for core in clusters[1].cores) == 0x70


def test_cores_that_do_not_tell_are_in_no_cluster() -> None:
    text = "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq:<unknown>\ngrep: cpu1: Permission denied\n"
    assert group_cores(parse_core_files(text)) == ()
    assert group_cores({}) == ()


@pytest.mark.parametrize(
    ("text", "khz"),
    [
        ("1785600", 1785600),
        ("0", None),
        ("", None),
        (None, None),
        ("<unsupported>", None),
        ("-1", None),
        ("1e6", None),
        ("9" * 10, None),
    ],
)
def test_frequencies(text: str | None, khz: int | None) -> None:
    assert parse_khz(text) == khz


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0-7\n", 8),
        ("0", 1),
        ("0-3,6", 5),
        ("0-3,2-5", 6),
        ("", None),
        ("7-0", None),
        ("0-9999", None),
        ("a", None),
        ("0-", None),
    ],
)
def test_core_lists(text: str, count: int | None) -> None:
    assert parse_core_count(text) == count


def test_a_phone() -> None:
    phone = FakePhone()
    device = read_phone_device(phone.client(), "pixel4")
    assert (device.transport, device.name, device.model) == ("adb", "pixel4", "Google Pixel 4 stand-in")
    assert (device.abi, device.core_count, device.memory_bytes) == ("arm64-v8a", 8, 5732104 * 1024)
    assert [cluster.cores for cluster in device.clusters] == [(0, 1, 2, 3), (4, 5, 6), (7,)]
    assert read_abis(phone.client()) == ("arm64-v8a", "armeabi-v7a", "armeabi")


def test_a_phone_is_the_same_over_the_network_and_another_is_not() -> None:
    phone = FakePhone()
    first = read_phone_device(phone.client(), "a").device_id
    phone.states["192.168.1.5:5555"] = "device"
    assert read_phone_device(phone.client("192.168.1.5:5555"), "b").device_id == first
    assert "STANDIN1" not in first
    phone.properties["ro.serialno"] = "another"
    assert read_phone_device(phone.client(), "a").device_id != first


def test_a_phone_that_tells_nothing() -> None:
    phone = FakePhone()
    phone.properties, phone.cores = {}, {}
    device = read_phone_device(phone.client(), "x")
    assert (device.model, device.soc, device.abi, device.os_version, device.clusters) == (None, None, None, None, ())
