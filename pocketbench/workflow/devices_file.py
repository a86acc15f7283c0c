"""devices.toml: the devices that models are measured on, described by their owner. Checked strictly."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pocketbench.core.errors import FileFault, UnknownNameError
from pocketbench.profile.catalog import ENGINES
from pocketbench.profile.core_choice import CHOICES
from pocketbench.profile.device_entry import COOL_WAIT_S, HOST_ENTRY, DeviceEntry
from pocketbench.profile.runners import RUNNERS
from pocketbench.workflow.toml_tables import TomlTable, is_whole, read_toml

FORMAT_VERSION = 1
FILE_NAME = "devices.toml"
FILE_VARIABLE = "POCKETBENCH_DEVICES"
MAX_DEVICES = 100
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.IGNORECASE)
COMMON_KEYS = ("name", "transport", "cores", "max_celsius", "cool_wait_s")
# what each transport has beside them; the first names the device
TRANSPORT_KEYS = {
    "host": (),
    "adb": ("serial", "max_thermal_status", "engines"),
    "ssh": ("host", "key", "python"),
}
PLUGIN_KEYS = ("address", "key", "python", "engines")
HINT = "see docs/devices.md"


def find_devices_file() -> Path | None:
    """The file that POCKETBENCH_DEVICES names; else ./devices.toml; else the user's own; None when there is none.

    Raises: FileFault when the variable names a file that is not there.
    """
    named = os.environ.get(FILE_VARIABLE)
    if named:
        if not Path(named).is_file():
            raise FileFault(f"{named}: there is no such file", f"check {FILE_VARIABLE}")
        return Path(named)
    own = Path(os.environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "pocketbench" / FILE_NAME
    return next((path for path in (Path(FILE_NAME), own) if path.is_file()), None)


def read_devices() -> dict[str, DeviceEntry]:
    """Every device by name: "host", which needs no description, and those of devices.toml.

    Raises:
        FileFault: when the file can't be read.
        SuiteError: when it breaks the rules; names file, line and key.
    """
    path = find_devices_file()
    described = {} if path is None else parse_devices(read_toml(path), path.parent)
    return {HOST_ENTRY.name: HOST_ENTRY} | described


def choose_devices(names: Sequence[str]) -> list[DeviceEntry]:
    """The devices of these names, each once. Raises: UnknownNameError, and as `read_devices`."""
    if all(name == HOST_ENTRY.name for name in names) and find_devices_file() is None:
        return [HOST_ENTRY] if names else []
    known = read_devices()
    for name in names:
        if name not in known:
            raise _unknown(name, known)
    return [known[name] for name in dict.fromkeys(names)]


def parse_devices(table: TomlTable, folder: Path) -> dict[str, DeviceEntry]:
    """The devices that a file's table describes, by name. Paths in it start at `folder`. Raises: SuiteError."""
    table.refuse_unknown(("format", "device"))
    table.require("format")
    if table.whole("format", 1, 10**6) != FORMAT_VERSION:
        raise table.fault("format", f"is not {FORMAT_VERSION}, the one that this version reads", "update pocketbench")
    entries: dict[str, DeviceEntry] = {}
    for item in table.tables("device", MAX_DEVICES):
        entry = _parse_device(item, folder)
        if entry.name in entries:
            raise item.fault("name", f"is {entry.name!r} a second time", "give each device a name of its own")
        entries[entry.name] = entry
    return entries


def _unknown(name: str, known: Mapping[str, DeviceEntry]) -> UnknownNameError:
    error = UnknownNameError("device", name, known)
    path = find_devices_file()
    where = f"described in {path}" if path is not None else f"there is no {FILE_NAME} here"
    error.cure = f"{error.cure} ({where}; {HINT})"
    return error


def _parse_device(table: TomlTable, folder: Path) -> DeviceEntry:
    table.require("name", "transport")
    name = table.text("name", limit=64) or ""
    if not NAME.fullmatch(name):
        raise table.fault("name", f"is {name!r}", "letters, digits, dots, - and _, beginning with a letter or digit")
    transport = table.text("transport") or ""
    if transport not in RUNNERS.names():
        raise table.fault("transport", f"is {transport!r}", f"known: {', '.join(RUNNERS.names())}")
    if (transport == "host") != (name == HOST_ENTRY.name):
        raise table.fault("name", f"is {name!r} and its transport {transport!r}", "this machine, and no other, is host")
    own_keys = TRANSPORT_KEYS.get(transport, PLUGIN_KEYS)
    table.refuse_unknown((*COMMON_KEYS, *own_keys))
    address_key = own_keys[0] if own_keys else None
    if transport in TRANSPORT_KEYS and address_key is not None:
        table.require(address_key)
    address = table.text(address_key, limit=255) if address_key is not None else None
    if address is not None and (address.startswith("-") or any(letter.isspace() for letter in address)):
        raise table.fault(address_key, f"is {address!r}", "no spaces, and no - at its beginning")
    key = table.text("key", limit=1000)
    return DeviceEntry(
        name=name,
        transport=transport,
        address=address,
        key=_resolve(key, folder) if key is not None else None,
        python=table.text("python", limit=1000),
        cores=_parse_cores(table),
        max_celsius=table.number("max_celsius", 1, 120),
        max_thermal_status=table.whole("max_thermal_status", 0, 6) or 0,
        cool_wait_s=_or(table.number("cool_wait_s", 0, 86_400), COOL_WAIT_S),
        engines=_parse_engines(table, folder),
    )


def _parse_cores(table: TomlTable) -> str | int | None:
    """ "big", or a mask as the shell's taskset writes it: "f0" or 0xf0."""
    value = table.get("cores")
    cure = f"one of {', '.join(CHOICES)}, or a mask with a bit for each core: 0x70"
    if value is None or (isinstance(value, str) and value in CHOICES):
        return value
    if isinstance(value, str) and re.fullmatch(r"(0x)?[0-9a-f]{1,32}", value) and int(value, 16):
        return int(value, 16)
    if is_whole(value, 1, 2**128 - 1):
        return value  # type: ignore[return-value]  # is_whole told
    raise table.fault("cores", f"is {value!r}", cure)


def _parse_engines(table: TomlTable, folder: Path) -> dict[str, str]:
    """Programs by engine: "device:PATH" as it is, another path from `folder` on."""
    engines = table.table("engines")
    found = {}
    for name in ENGINES.names():
        place = engines.text(name, limit=1000)
        if place is not None:
            found[name] = place if place.startswith("device:") else str(_resolve(place, folder))
    engines.refuse_unknown(ENGINES.names())
    return found


def _resolve(text: str, folder: Path) -> Path:
    return folder / Path(text).expanduser()


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
