"""All that measuring on a phone needs, looked at one by one."""

from __future__ import annotations

from collections.abc import Callable

from pocketbench.core.errors import PocketbenchError
from pocketbench.core.units import describe_mask, format_bytes, format_celsius
from pocketbench.profile.adb.benchmark_program import ENGINE, find_program
from pocketbench.profile.adb.client import AdbClient
from pocketbench.profile.adb.cooling import find_heat
from pocketbench.profile.adb.dumpsys import parse_battery, parse_thermal_status
from pocketbench.profile.adb.facts import read_phone_device
from pocketbench.profile.adb.invocation import kill_leftovers
from pocketbench.profile.adb.program import read_version
from pocketbench.profile.adb.push import read_available_bytes
from pocketbench.profile.adb.quiet import is_rooted, restore_leftover
from pocketbench.profile.adb.remote_line import join_script
from pocketbench.profile.core_choice import choose_core_mask
from pocketbench.profile.device_entry import DeviceCheck, DeviceEntry
from pocketbench.profile.device_lock import hold_device

ENOUGH_BYTES = 200_000_000
NEEDED_TOOLS = ("sha256sum", "dumpsys", "settings", "svc")
_FIND_MISSING = 'for tool; do command -v "$tool" >/dev/null 2>&1 || echo "$tool"; done; true'


def check_phone(entry: DeviceEntry, make_client: Callable[[], AdbClient]) -> list[DeviceCheck]:
    """What is found, and how to get what is not there. Puts back what an interrupted run left changed on the phone."""
    checks: list[DeviceCheck] = []
    try:
        client = make_client()
        version = read_version(client.program) or "of an unknown version"
        checks.append(DeviceCheck(subject="adb", found=f"{version}, {client.program}"))
        client.attach()
    except PocketbenchError as fault:
        subject = "connection" if checks else "adb"
        return [*checks, DeviceCheck(subject=subject, found=fault.what, cure=fault.cure)]
    checks.append(DeviceCheck(subject="connection", found=f"{client.serial} answers"))
    for subject, look in (
        ("use", _check_use),
        ("cores", _check_cores),
        ("clock", _check_clock),
        ("programs", _check_tools),
        (ENGINE, _check_program),
        ("room", _check_room),
        ("heat", _check_heat),
    ):
        try:
            checks.append(look(client, entry, subject))
        except PocketbenchError as fault:
            checks.append(DeviceCheck(subject=subject, found=fault.what, cure=fault.cure))
    return checks


def _check_use(client: AdbClient, entry: DeviceEntry, subject: str) -> DeviceCheck:
    with hold_device(f"adb {client.serial}", entry.name):
        kill_leftovers(client)
        if restore_leftover(client):
            return DeviceCheck(subject=subject, found="an interrupted run had changed its screen: put back")
    return DeviceCheck(subject=subject, found="no run measures on it")


def _check_cores(client: AdbClient, entry: DeviceEntry, subject: str) -> DeviceCheck:
    device = read_phone_device(client, entry.name)
    if entry.cores is None:
        cure = 'give cores = "big" in devices.toml: a model that moves between fast and slow cores has two latencies'
        return DeviceCheck(subject=subject, found="left to Android", cure=cure, needed=False)
    mask = choose_core_mask(device.clusters, entry.cores, 1)
    return DeviceCheck(subject=subject, found=f"mask {mask:x} ({describe_mask(mask)} of {device.core_count})")


def _check_clock(client: AdbClient, _: DeviceEntry, subject: str) -> DeviceCheck:
    if is_rooted(client):
        return DeviceCheck(subject=subject, found="adb is root: it is fixed at a middle step while models are measured")
    return DeviceCheck(subject=subject, found="Android sets it: adb is not root")


def _check_tools(client: AdbClient, entry: DeviceEntry, subject: str) -> DeviceCheck:
    wanted = [*NEEDED_TOOLS, *(["taskset"] if entry.cores is not None else [])]
    missing = (client.read(join_script(_FIND_MISSING, *wanted)) or "").split()
    if missing:
        cure = "a phone with Android 8 or newer has them" + (
            "; or leave cores out of devices.toml" if missing == ["taskset"] else ""
        )
        return DeviceCheck(subject=subject, found=f"there is no {', '.join(missing)}", cure=cure)
    return DeviceCheck(subject=subject, found=", ".join(wanted))


def _check_program(client: AdbClient, entry: DeviceEntry, subject: str) -> DeviceCheck:
    program = find_program(client, entry)
    where = f"{program.path} on the phone" if program.source is None else str(program.source)
    return DeviceCheck(subject=subject, found=where + (f", sha256 {program.sha256[:12]}" if program.sha256 else ""))


def _check_room(client: AdbClient, _: DeviceEntry, subject: str) -> DeviceCheck:
    available = read_available_bytes(client)
    if available is None:
        return DeviceCheck(subject=subject, found="not known", cure="see: adb shell df", needed=False)
    found = f"{format_bytes(available)} for models"
    if available < ENOUGH_BYTES:
        return DeviceCheck(subject=subject, found=found, cure="delete something on the phone", needed=False)
    return DeviceCheck(subject=subject, found=found)


def _check_heat(client: AdbClient, entry: DeviceEntry, subject: str) -> DeviceCheck:
    heat = find_heat(client, entry)
    if heat is not None:
        return DeviceCheck(subject=subject, found=heat, cure="let it rest; a run waits for it, too", needed=False)
    battery = parse_battery(client.read(["dumpsys", "battery"]) or "").celsius
    status = parse_thermal_status(client.read(["dumpsys", "thermalservice"]) or "")
    if battery is None and status is None:
        cure = "if somebody froze the battery's values: adb shell dumpsys battery reset"
        return DeviceCheck(subject=subject, found="the phone tells no temperature", cure=cure, needed=False)
    texts = [
        "battery " + ("unknown" if battery is None else format_celsius(battery)),
        f"thermal status {'unknown' if status is None else status}",
    ]
    return DeviceCheck(subject=subject, found=", ".join(texts))
