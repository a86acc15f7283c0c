"""Texts as Android 6 to 15 print them."""

from __future__ import annotations

import pytest

from pocketbench.profile.adb.dumpsys import (
    UNKNOWN_BATTERY,
    Battery,
    parse_battery,
    parse_cpu_celsius,
    parse_screen_on,
    parse_thermal_status,
)

# a Samsung phone with Android 6: more lines, of which some look alike
SAMSUNG = """Current Battery Service state:
  mBootCompleted: true
  AC powered: false
  USB powered: true
  Wireless powered: false
  Max charging current: 0
  Max charging voltage: 0
  Charge counter: 0
  status: 2
  health: 2
  present: true
  level: 84
  scale: 100
  voltage: 4063
  temperature: 326
  technology: Li-ion
  batterySWSelfDischarging: false
  LED Low Battery: true
  current now: 321
  FEATURE_WIRELESS_FAST_CHARGER_CONTROL: true
  BatteryInfoBackUp
      mSavedBatteryMaxTemp: 490
"""
PIXEL_15 = """Current Battery Service state:
  AC powered: false
  USB powered: false
  Wireless powered: false
  Dock powered: false
  Max charging current: 0
  Max charging voltage: 0
  Charge counter: 3310000
  status: 3
  health: 2
  present: true
  level: 7
  scale: 100
  voltage: 3811
  temperature: -15
  technology: Li-ion
  Charging state: 0
  Charging policy: 1
"""
THERMAL = """IsStatusOverride: false
ThermalEventListeners:
	callbacks: 2
	killed: false
	broadcasts count: -1
ThermalStatusListeners:
	callbacks: 1
Thermal Status: 1
Cached temperatures:
	Temperature{mValue=88.5, mType=0, mName=cpu0-silver, mStatus=0}
HAL Ready: true
HAL connection:
	ThermalHAL 2.0 connected: yes
Current temperatures from HAL:
	Temperature{mValue=0.0, mType=0, mName=cpu9, mStatus=0}
	Temperature{mValue=41.2, mType=0, mName=cpu0-silver, mStatus=0}
	Temperature{mValue=43.800003, mType=0, mName=cpu1-gold, mStatus=0}
	Temperature{mValue=55.1, mType=1, mName=GPU, mStatus=0}
	Temperature{mValue=4200.0, mType=6, mName=vbat, mStatus=0}
Current cooling devices from HAL:
	CoolingDevice{mValue=0, mType=2, mName=thermal-cpufreq-4}
Temperature static thresholds from HAL:
	Temperature{mValue=99.0, mType=0, mName=cpu1-gold, mStatus=0}
"""
POWER_13 = """POWER MANAGER (dumpsys power)

Power Manager State:
  Settings power_manager_constants:
    no_cached_wake_locks=true
  mDirty=0x0
  mWakefulness=Awake
  mWakefulnessChanging=false
  mIsPowered=true
  mPlugType=2
  mStayOn=true
Settings and Configuration:
  mStayOnWhilePluggedInSetting=7
Display Power: state=ON
"""


def test_battery_of_an_old_phone() -> None:
    assert parse_battery(SAMSUNG) == Battery(celsius=32.6, level_fraction=0.84, power_source="usb")


def test_battery_of_a_new_phone_that_is_cold_and_not_charged() -> None:
    assert parse_battery(PIXEL_15) == Battery(celsius=-1.5, level_fraction=0.07, power_source="battery")


def test_several_power_sources() -> None:
    text = SAMSUNG.replace("Wireless powered: false", "Wireless powered: true")
    assert parse_battery(text).power_source == "usb, wireless"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Can't find service: battery\n",
        SAMSUNG.replace("present: true", "present: false"),
        SAMSUNG.replace("state:\n", "state:\n  (UPDATES STOPPED -- use 'reset' to restart)\n", 1),
    ],
)
def test_no_battery_and_one_whose_values_were_frozen(text: str) -> None:
    assert parse_battery(text) == UNKNOWN_BATTERY


@pytest.mark.parametrize("value", ["", "unknown", "32.6 C", "9999", "-4000", "12345678901", "0x146"])
def test_a_temperature_that_can_not_be_is_none(value: str) -> None:
    battery = parse_battery(SAMSUNG.replace("temperature: 326", f"temperature: {value}"))
    assert battery.celsius is None
    assert battery.level_fraction == 0.84


@pytest.mark.parametrize(("level", "scale"), [("101", "100"), ("-1", "100"), ("50", "0"), ("x", "100")])
def test_a_level_that_can_not_be_is_none(level: str, scale: str) -> None:
    text = SAMSUNG.replace("level: 84", f"level: {level}").replace("scale: 100", f"scale: {scale}")
    assert parse_battery(text).level_fraction is None


def test_thermal_status_and_the_hottest_core_now() -> None:
    assert parse_thermal_status(THERMAL) == 1
    assert parse_cpu_celsius(THERMAL) == 43.800003


@pytest.mark.parametrize(
    "text", ["", "Can't find service: thermalservice\n", "Thermal Status: 9\n", "Thermal Status: hot"]
)
def test_no_thermal_service(text: str) -> None:
    assert parse_thermal_status(text) is None
    assert parse_cpu_celsius(text) is None


@pytest.mark.parametrize(
    ("text", "is_on"),
    [
        (POWER_13, True),
        (POWER_13.replace("Awake", "Asleep"), False),
        (POWER_13.replace("Awake", "Dozing"), False),
        (POWER_13.replace("Awake", "Dreaming"), True),
        (POWER_13.replace("Awake", "Somehow"), True),  # the display's own line then
        ("Display Power: state=OFF\n", False),
        ("mWakefulness=Somehow\n", None),
        ("", None),
    ],
)
def test_the_screen(text: str, is_on: bool | None) -> None:
    assert parse_screen_on(text) is is_on
