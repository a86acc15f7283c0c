from __future__ import annotations

import pytest

from pocketbench.profile.adb.connection import ConnectionFault
from pocketbench.profile.adb.cooling import HeatFault, await_cool, find_heat
from pocketbench.profile.device_entry import DeviceEntry
from tests.profile.adb.fake_phone import FakePhone

ENTRY = DeviceEntry(name="pixel4", transport="adb", address="STANDIN1", cool_wait_s=60)
WARM = DeviceEntry(name="pixel4", transport="adb", address="STANDIN1", max_celsius=42.0, max_thermal_status=2)


def test_limits() -> None:
    phone = FakePhone()
    client = phone.client()
    assert find_heat(client, ENTRY) is None
    phone.battery_tenths = [370]
    assert find_heat(client, ENTRY) is None
    phone.battery_tenths = [371]
    assert find_heat(client, ENTRY) == "the battery is at 37.1 °C (limit 37.0 °C)"
    assert find_heat(client, ENTRY, with_battery=False) is None
    assert find_heat(client, WARM) is None
    phone.thermal_status = [2]
    assert find_heat(client, WARM) is None
    phone.battery_tenths, phone.thermal_status = [421], [3]
    assert find_heat(client, WARM) == (
        "the battery is at 42.1 °C (limit 42.0 °C) and the thermal status is 3 (limit 2)"
    )


def test_waiting_ends_when_the_phone_is_cool() -> None:
    phone = FakePhone()
    phone.battery_tenths = [400, 390, 371, 369]
    heard: list[str] = []
    await_cool(phone.client(), ENTRY, heard.append)
    assert [text[18:25] for text in heard] == ["40.0 °C", "39.0 °C", "37.1 °C"]
    assert 15 <= phone.seconds < 16


def test_waiting_has_a_limit() -> None:
    phone = FakePhone()
    phone.thermal_status = [1]
    with pytest.raises(HeatFault, match="within 60 s: the thermal status is 1") as caught:
        await_cool(phone.client(), ENTRY, lambda _: None)
    assert 60 <= phone.seconds < 70
    assert "max_thermal_status" in caught.value.cure


def test_a_phone_that_tells_no_heat_is_measured() -> None:
    phone = FakePhone()
    phone.battery_tenths, phone.thermal_status = [99999], [77]
    await_cool(phone.client(), ENTRY, lambda _: None)


def test_a_phone_that_goes_away_meanwhile() -> None:
    phone = FakePhone()
    phone.thermal_status = [1]
    with pytest.raises(ConnectionFault):
        await_cool(phone.client(), ENTRY, lambda _: phone.states.clear())
