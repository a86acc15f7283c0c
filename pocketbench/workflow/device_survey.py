"""What is attached, and what devices.toml describes, asked what it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import cast

from pocketbench.core.errors import PocketbenchError
from pocketbench.profile.device_entry import AttachedDevice, DeviceEntry
from pocketbench.profile.runner import Runner
from pocketbench.profile.runners import RUNNERS, make_runner

MAX_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyedDevice:
    """A device and how it is described; `name` is None for one that devices.toml does not hold."""

    name: str | None
    attached: AttachedDevice


def survey_devices(described: Mapping[str, DeviceEntry]) -> list[SurveyedDevice]:
    """Every device that is described, asked what it is, and every other one that a transport finds.

    A device or a transport that is not there is part of the answer and stops nothing.
    """
    entries = list(described.values())
    transports = RUNNERS.names()
    with ThreadPoolExecutor(MAX_AT_ONCE) as pool:
        searches = pool.map(_search, transports)
        answers = pool.map(_ask, entries)
        found = [
            SurveyedDevice(name=entry.name, attached=answer) for entry, answer in zip(entries, answers, strict=True)
        ]
        known = {(entry.transport, entry.address) for entry in entries}
        for attached in (item for search in searches for item in search):
            if (attached.transport, attached.address) not in known:
                found.append(SurveyedDevice(name=None, attached=attached))
    return found


def _search(transport: str) -> Sequence[AttachedDevice]:
    try:
        return cast(type[Runner], RUNNERS.load(transport)).list_attached()
    except PocketbenchError as error:
        return [
            AttachedDevice(
                transport=transport, address=None, state="unknown", device=None, problem=error.what, cure=error.cure
            )
        ]


def _ask(entry: DeviceEntry) -> AttachedDevice:
    try:
        device = make_runner(entry).read_device()
    except PocketbenchError as error:
        return AttachedDevice(
            transport=entry.transport,
            address=entry.address,
            state="unreachable",
            device=None,
            problem=error.what,
            cure=error.cure,
        )
    return AttachedDevice(transport=entry.transport, address=entry.address, state="device", device=device)
