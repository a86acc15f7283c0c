"""A device as its owner describes it in devices.toml, and what is said about one that was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pocketbench.core.records import Device

# Phones charge and idle below this; above, many of them have begun to lower the clock.
MAX_BATTERY_CELSIUS = 37.0
COOL_WAIT_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceEntry:
    """How to reach a device and how it is to be measured.

    `transport` names a runner (`runners.py`). `address` is adb's serial, or ssh's host ("pi@rpi5.local", or a name of
    ~/.ssh/config); None for the host. `cores` is "big", "little", "prime", "all" or a mask with a bit for each core;
    None leaves them to the system. `max_celsius` limits the battery of a phone, and the processor of a board where it
    is given. `engines` holds the programs that engines need on the device, by the engine's name: a path on this
    machine, which is pushed, or "device:PATH" for one that is there. `python` is a board's interpreter.
    """

    name: str
    transport: str
    address: str | None = None
    key: Path | None = None
    python: str | None = None
    cores: str | int | None = None
    max_celsius: float | None = None
    max_thermal_status: int = 0
    cool_wait_s: float = COOL_WAIT_S
    engines: Mapping[str, str] = field(default_factory=dict)


HOST_ENTRY = DeviceEntry(name="host", transport="host")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedDevice:
    """A device that a transport sees. `state` is the transport's word ("device", "unauthorized", "offline"); `device`
    is None where it could not be asked, and `problem` and `cure` then say why."""

    transport: str
    address: str | None
    state: str
    device: Device | None
    problem: str | None = None
    cure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCheck:
    """One thing that a device needs. `cure` says how to get what is not there, and is None where all is well; one that
    is not `needed` is only advice."""

    subject: str
    found: str
    cure: str | None = None
    needed: bool = True

    @property
    def is_fault(self) -> bool:
        return self.cure is not None and self.needed
