from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pocketbench.core.records import Conditions, CoreState, RunPlan
from pocketbench.profile.state_caveats import find_state_caveats

GOLD = 0x70


def core(number: int, current_khz: int | None, **changes: Any) -> CoreState:
    state = CoreState(core=number, governor="performance", min_khz=710400, max_khz=2419200, current_khz=current_khz)
    return dataclasses.replace(state, **changes)


def phone(*cores: CoreState, **changes: Any) -> Conditions:
    quiet = Conditions(
        taken_at="2026-01-02T03:04:05+00:00",
        cpu_model=None,
        load_average=None,
        governor="performance,schedutil",
        frequency_khz=2841600,
        temperature_celsius=None,
        memory_available_bytes=None,
        cores=(core(0, 300000, governor="schedutil"), *(cores or [core(4, 2419200), core(5, 2419200)])),
        battery_celsius=30.0,
        battery_fraction=0.8,
        power_source="battery",
        thermal_status=0,
        screen_on=True,
    )
    return dataclasses.replace(quiet, **changes)


def find(before: Conditions, after: Conditions, mask: int | None = GOLD) -> dict[str, str]:
    plan = RunPlan(engine="benchmark_model", core_mask=mask)
    found = find_state_caveats(before, after, plan, core_count=3, own_load=0)
    return {caveat.code: caveat.text for caveat in found}


def test_a_quiet_phone_has_none() -> None:
    assert find(phone(), phone()) == {}


def test_only_the_cores_of_the_mask_count() -> None:
    assert set(find(phone(), phone(), mask=0x71)) == {"frequency_scaling"}
    assert set(find(phone(), phone(), mask=None)) == {"frequency_scaling"}
    slow = phone(core(4, 2419200), core(7, 100000))
    assert find(phone(core(4, 2419200), core(7, 2841600)), slow) == {}
    assert set(find(phone(core(4, 2419200), core(7, 2841600)), slow, mask=0x80)) == {"frequency_drop"}


def test_the_fastest_core_is_the_one_that_works() -> None:
    """The threads of a model move among the cores of the mask, and the others rest."""
    assert find(phone(core(4, 2419200), core(5, 300000)), phone(core(4, 300000), core(5, 2419200))) == {}
    fallen = find(phone(core(4, 2419200), core(5, 300000)), phone(core(4, 2000000), core(5, 300000)))
    assert fallen == {"frequency_drop": "the clock fell by 17% during the session, from 2.42 GHz"}
    assert find(phone(core(4, 2419200)), phone(core(4, 2060000))) == {}, "one step"
    assert find(phone(core(4, None), frequency_khz=None), phone()) == {}


def test_a_clock_that_is_fixed() -> None:
    fixed = phone(core(4, 1401600, governor="schedutil", min_khz=1401600, max_khz=1401600))
    assert find(fixed, fixed) == {
        "fixed_frequency": "the clock was fixed at 1.40 GHz: steady, and slower than the highest"
    }


def test_a_limit_that_falls() -> None:
    limited = phone(core(4, 2419200), core(5, 2419200, max_khz=1804800))
    text = find(phone(), limited)["frequency_limited"]
    assert text == "the highest clock allowed to core 5 fell from 2.42 GHz to 1.80 GHz during the session"
    assert find(limited, phone()) == {}


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"thermal_status": 2}, "thermal_status", "2 of 6"),
        ({"battery_celsius": 37.1}, "warm_battery", "37.1 °C, above 37.0 °C"),
        ({"power_source": "usb"}, "charging", "(usb)"),
        ({"screen_on": False}, "screen_off", "screen was off"),
    ],
)
def test_heat_power_and_screen_before_or_after(changes: dict[str, Any], code: str, words: str) -> None:
    odd = phone(**changes)
    for found in (find(odd, phone()), find(phone(), odd)):
        assert set(found) == {code}
        assert words in found[code]


@pytest.mark.parametrize(
    "changes",
    [
        {"thermal_status": None},
        {"battery_celsius": None},
        {"power_source": None},
        {"screen_on": None},
        {"battery_celsius": 37.0},
    ],
)
def test_what_is_not_known_is_no_reason(changes: dict[str, Any]) -> None:
    assert find(phone(**changes), phone(**changes)) == {}


def test_a_phone_that_does_not_tell_its_governors() -> None:
    silent = phone(cores=(), governor=None, frequency_khz=None)
    assert set(find(silent, silent)) == {"unknown_governor"}
