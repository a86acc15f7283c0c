"""What can be wrong between this machine and a phone, from the texts that adb prints."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pocketbench.core.errors import DeviceFault

# A state of `adb devices` is one word, or "no permissions" with an explanation.
_DEVICE_LINE = re.compile(r"^(?P<serial>\S+)\s+(?P<state>no permissions\b|[a-z]+)(?P<rest>.*)$")
STATES = frozenset(
    ("device", "offline", "unauthorized", "authorizing", "connecting", "bootloader", "recovery", "sideload", "rescue")
)
_SERVER_WORDS = ("daemon", "could not read ok from adb server", "cannot bind", "address already in use", "adb server")


class ConnectionFault(DeviceFault):
    """The phone did not answer: it may come back."""


class AnswerTimeout(ConnectionFault):
    """The phone, or a program on it, did not answer in time."""


class ServerFault(ConnectionFault):
    """adb's own server on this machine can't be used."""


def parse_attached(text: str) -> dict[str, str]:
    """The states by serial that `adb devices` prints; lines that are none are left out."""
    states = {}
    for line in text.splitlines():
        found = _DEVICE_LINE.match(line.rstrip())
        if found and (found["state"] in STATES or found["state"] == "no permissions"):
            states[found["serial"]] = found["state"]
    return states


def describe_attached(states: Mapping[str, str]) -> str:
    """ "attached: A, B (offline)"."""
    if not states:
        return "no device is attached"
    texts = [serial if state == "device" else f"{serial} ({state})" for serial, state in states.items()]
    return f"attached: {', '.join(texts)}"


def explain_state(name: str, serial: str, state: str) -> ConnectionFault:
    """The fault of a phone that is attached and in a state in which it answers nothing."""
    if state in ("unauthorized", "authorizing"):
        return ConnectionFault(
            f"{name} ({serial}) is {state}: it does not know this computer",
            "unlock the phone and accept its dialog; if none shows, run: adb kill-server, and plug it in again",
        )
    if state in ("offline", "connecting"):
        return ConnectionFault(
            f"{name} ({serial}) is {state}: it is attached and does not answer",
            f"plug it in again, or run: adb -s {serial} reconnect; restart the phone if that does not help",
        )
    if state == "no permissions":
        return ConnectionFault(
            f"this user has no permission to reach {name} ({serial}) over USB",
            "apt-get install android-sdk-platform-tools-common (udev rules), join the group plugdev and log in again",
        )
    return ConnectionFault(f"{name} ({serial}) is in state {state!r}", "start Android on it")


def explain_failure(name: str, serial: str, text: str) -> DeviceFault:
    """The fault that adb's own words tell, when a command did not reach the phone."""
    words = text.lower()
    for state in ("unauthorized", "authorizing", "offline", "connecting"):
        if re.search(rf"\bdevice\b.*\b{state}\b", words):
            return explain_state(name, serial, state)
    if "no permissions" in words or "insufficient permissions" in words:
        return explain_state(name, serial, "no permissions")
    if any(word in words for word in _SERVER_WORDS):
        return ServerFault(
            f"adb's server can't be used: {text}",
            "run: adb kill-server, then: adb devices; see that ANDROID_ADB_SERVER_PORT is free and HOME can be written",
        )
    if "not found" in words or "no devices" in words:
        return ConnectionFault(f"{name} ({serial}) is not attached", "plug it in, or run: adb connect ADDRESS")
    return ConnectionFault(
        f"the connection to {name} ({serial}) was lost" + (f": {text}" if text.strip() else ""),
        "check its cable or network, and see: adb devices",
    )
