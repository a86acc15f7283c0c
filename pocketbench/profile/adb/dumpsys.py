"""What Android's `dumpsys` says of battery, heat and screen. What is not said, or not understood, is None."""

from __future__ import annotations

import re
from dataclasses import dataclass

POWER_SOURCES = ("ac", "usb", "wireless", "dock")
PLAUSIBLE_CELSIUS = (-30.0, 100.0)
# Temperature.TYPE_CPU of Android's thermal interface.
CPU_TYPE = 0
AWAKE = {"Awake": True, "Dreaming": True, "Asleep": False, "Dozing": False}
_TEMPERATURE = re.compile(r"Temperature\{mValue=(?P<value>-?\d+(?:\.\d+)?), mType=(?P<type>-?\d+), mName=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    celsius: float | None
    level_fraction: float | None
    power_source: str | None


UNKNOWN_BATTERY = Battery(celsius=None, level_fraction=None, power_source=None)


def parse_battery(text: str) -> Battery:
    """`dumpsys battery`: temperature in tenths of a degree, level of a scale, what powers it.

    Values that somebody has frozen ("UPDATES STOPPED") are not the battery's, and a device without one prints zeros.
    """
    if "UPDATES STOPPED" in text or _find_word(text, "present") == "false":
        return UNKNOWN_BATTERY
    level, scale = _find_number(text, "level"), _find_number(text, "scale")
    tenths = _find_number(text, "temperature")
    celsius = None if tenths is None else tenths / 10
    if celsius is not None and not PLAUSIBLE_CELSIUS[0] <= celsius <= PLAUSIBLE_CELSIUS[1]:
        celsius = None
    powered = {source: _find_word(text, f"{source} powered") for source in POWER_SOURCES}
    on = [source for source, word in powered.items() if word == "true"]
    known = any(word in ("true", "false") for word in powered.values())
    return Battery(
        celsius=celsius,
        level_fraction=level / scale if level is not None and scale and 0 <= level <= scale else None,
        power_source=(", ".join(on) or "battery") if known else None,
    )


def parse_thermal_status(text: str) -> int | None:
    """The status of `dumpsys thermalservice` (Android 10 and newer): 0, none, to 6, shutdown."""
    found = re.search(r"^\s*Thermal Status:\s*([0-6])\s*$", text, re.MULTILINE)
    return int(found[1]) if found else None


def parse_cpu_celsius(text: str) -> float | None:
    """The hottest of the processor's sensors now: those under "Current temperatures from HAL", not the cached ones."""
    _, marker, rest = text.partition("Current temperatures from HAL:")
    if not marker:
        return None
    section = re.split(r"^\S", rest, maxsplit=1, flags=re.MULTILINE)[0]
    values = [float(item["value"]) for item in _TEMPERATURE.finditer(section) if int(item["type"]) == CPU_TYPE]
    # a sensor that is not fitted reads 0
    return max((value for value in values if value and abs(value) < 150), default=None)


def parse_screen_on(text: str) -> bool | None:
    """Whether the screen is on, from `dumpsys power`: "mWakefulness=Awake"; else "Display Power: state=ON"."""
    wakefulness = re.search(r"^\s*mWakefulness=(\w+)", text, re.MULTILINE)
    if wakefulness and wakefulness[1] in AWAKE:
        return AWAKE[wakefulness[1]]
    display = re.search(r"^\s*Display Power: state=(\w+)", text, re.MULTILINE)
    return None if display is None else display[1] == "ON"


def _find_word(text: str, key: str) -> str | None:
    found = re.search(rf"^\s*{re.escape(key)}:[ \t]*(\S+)[ \t]*$", text, re.MULTILINE | re.IGNORECASE)
    return found[1].lower() if found else None


def _find_number(text: str, key: str) -> int | None:
    word = _find_word(text, key)
    return int(word) if word is not None and re.fullmatch(r"-?\d{1,6}", word) else None
