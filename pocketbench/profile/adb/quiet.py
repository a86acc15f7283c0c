"""A phone that does not sleep, and on a rooted one does not change its clock, while it is measured; put back after.

What was before is noted on the phone itself before anything is changed, so that whoever comes next can put it back when
a run was killed or lost its connection.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pocketbench.core.errors import DeviceFault
from pocketbench.profile.adb.client import AdbClient
from pocketbench.profile.adb.connection import ConnectionFault
from pocketbench.profile.adb.dumpsys import parse_screen_on
from pocketbench.profile.adb.facts import parse_khz, read_core_files
from pocketbench.profile.adb.folder import FOLDER, NOTE
from pocketbench.profile.adb.remote_line import join_script

NOTE_FORMAT = 1
STAY_ON = ("global", "stay_on_while_plugged_in")
UNSET = "null"  # what `settings get` prints for a setting that nobody made
_WRITE_NOTE = 'mkdir -p "$1" && echo "$3" >"$2.new" && mv -f "$2.new" "$2" || { rm -f "$2.new"; false; }'
# The kernel refuses a minimum above the maximum, so that the order depends on what was before: one of the two first
# writes may fail, the last two do not.
_SET_LIMITS = (
    "d=/sys/devices/system/cpu/cpu$1/cpufreq; echo $2 >$d/scaling_min_freq; "
    "echo $3 >$d/scaling_max_freq && echo $2 >$d/scaling_min_freq"
)
COME_BACK_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What was before. None: not known, and so not changed. `limits`: a core's least and highest frequency in kHz."""

    stay_on: str | None
    screen_on: bool | None
    limits: Mapping[int, tuple[int, int]] = field(default_factory=dict)


@contextlib.contextmanager
def keep_quiet(client: AdbClient, cores: Collection[int] | None) -> Iterator[Quiet]:
    """Wake the phone and keep it awake; on a rooted one fix the clock. Whatever happens, it is put back at the end.

    Args:
        cores: those that models run on; None for all.

    Raises:
        ConnectionFault: when the phone does not answer. When it is gone at the end, too: what was changed then waits
            on the phone for the next run.
        DeviceFault: when something can't be put back.
    """
    restore_leftover(client)
    note, fixed = _read_note(client, cores)
    quiet = Quiet(client, fixed)
    try:
        _write_note(client, note)
        quiet.apply()
        yield quiet
    except BaseException:
        # the first reason is the one to tell
        with contextlib.suppress(DeviceFault):
            _put_back(client, note)
        raise
    try:
        _put_back(client, note)
    except ConnectionFault:
        client.attach(COME_BACK_S)
        _put_back(client, note)


class Quiet:
    """The changes that keep a phone quiet.

    Args:
        fixed: the frequency in kHz that a core is fixed at.
    """

    def __init__(self, client: AdbClient, fixed: Mapping[int, int]) -> None:
        self._client = client
        self._fixed = fixed

    def apply(self) -> None:
        """Change what has to be changed; again after a phone was lost, which may have been restarted.

        What a phone refuses stays as it is: conditions tell what it was.

        Raises: ConnectionFault.
        """
        self._client.shell(["svc", "power", "stayon", "true"])
        if parse_screen_on(self._client.read(["dumpsys", "power"]) or "") is False:
            self._client.shell(["input", "keyevent", "KEYCODE_WAKEUP"])
        for core, khz in self._fixed.items():
            self._client.shell(join_script(_SET_LIMITS, str(core), str(khz), str(khz)))


def restore_leftover(client: AdbClient) -> bool:
    """Put back what an earlier run left changed, if any did; whether there was something.

    Raises:
        ConnectionFault: when the phone does not answer.
        DeviceFault: when the note can't be read, or something can't be put back.
    """
    text = client.read(["cat", NOTE])
    if text is None:
        return False
    try:
        note = parse_note(text)
    except (ValueError, RecursionError) as error:
        raise DeviceFault(
            f"a run that was interrupted left a note on {client.name} that can't be read: {text[:80]!r}",
            f"look at the screen's settings yourself, then: adb -s {client.serial} shell rm {NOTE}",
        ) from error
    _put_back(client, note)
    return True


def is_rooted(client: AdbClient) -> bool:
    """Whether commands run as root, who may set the clock. Raises: ConnectionFault."""
    return (client.read(["id", "-u"]) or "").strip() == "0"


def format_note(note: Note) -> str:
    """The note as one line of JSON."""
    return json.dumps({"format": NOTE_FORMAT, **asdict(note)}, sort_keys=True)


def parse_note(text: str) -> Note:
    """Raises: ValueError for anything that `format_note` did not write: it would become commands."""
    data: Any = json.loads(text)
    if not isinstance(data, dict) or set(data) != {"format", "limits", "screen_on", "stay_on"}:
        raise ValueError("other keys")
    stay_on, screen_on, limits = data["stay_on"], data["screen_on"], data["limits"]
    if data["format"] != NOTE_FORMAT or not isinstance(limits, dict):
        raise ValueError("another format")
    if not (stay_on is None or (isinstance(stay_on, str) and re.fullmatch(rf"{UNSET}|\d{{1,3}}", stay_on))):
        raise ValueError("stay_on")
    if screen_on not in (None, True, False):
        raise ValueError("screen_on")
    found = {}
    for core, pair in limits.items():
        if not (isinstance(pair, list) and len(pair) == 2 and all(type(khz) is int and khz > 0 for khz in pair)):
            raise ValueError("limits")
        found[int(core)] = (pair[0], pair[1])
    return Note(stay_on=stay_on, screen_on=screen_on, limits=found)


def choose_fixed_khz(text: str | None) -> int | None:
    """The middle one of a core's steps (the upper of two): a phone holds it for long, and not its highest.

    Args:
        text: scaling_available_frequencies.
    """
    steps = sorted({khz for khz in map(parse_khz, (text or "").split()) if khz is not None})
    return steps[len(steps) // 2] if len(steps) > 1 else None


def _read_note(client: AdbClient, cores: Collection[int] | None) -> tuple[Note, dict[int, int]]:
    """What is before, and the frequencies to fix."""
    stay_on = (client.read(["settings", "get", *STAY_ON]) or "").strip()
    note = Note(
        stay_on=stay_on if re.fullmatch(rf"{UNSET}|\d{{1,3}}", stay_on) else None,
        screen_on=parse_screen_on(client.read(["dumpsys", "power"]) or ""),
    )
    if not is_rooted(client):
        return note, {}
    limits, fixed = {}, {}
    files = read_core_files(client, "scaling_min_freq", "scaling_max_freq", "scaling_available_frequencies")
    for core, values in files.items():
        least, most = parse_khz(values.get("scaling_min_freq")), parse_khz(values.get("scaling_max_freq"))
        khz = choose_fixed_khz(values.get("scaling_available_frequencies"))
        if (cores is None or core in cores) and least and most and khz:
            limits[core], fixed[core] = (least, most), khz
    return Note(stay_on=note.stay_on, screen_on=note.screen_on, limits=limits), fixed


def _write_note(client: AdbClient, note: Note) -> None:
    answer = client.shell(join_script(_WRITE_NOTE, FOLDER, NOTE, format_note(note)))
    if answer.status != 0:
        raise DeviceFault(f"{FOLDER} on {client.name} can't be written: {answer.text}", "free some space on the phone")


def _put_back(client: AdbClient, note: Note) -> None:
    """Change everything back, then remove the note; nothing is changed where there is no note."""
    if client.read(["cat", NOTE]) is None:
        return
    problems = []
    for core, (least, most) in note.limits.items():
        answer = client.shell(join_script(_SET_LIMITS, str(core), str(least), str(most)))
        if answer.status != 0:
            problems.append(f"the clock of core {core} ({answer.text.strip()})")
    if note.stay_on is not None:
        words = ["delete", *STAY_ON] if note.stay_on == UNSET else ["put", *STAY_ON, note.stay_on]
        if client.shell(["settings", *words]).status != 0:
            problems.append(f"the setting {STAY_ON[1]} ({note.stay_on})")
    if note.screen_on is False and parse_screen_on(client.read(["dumpsys", "power"]) or "") is True:
        client.shell(["input", "keyevent", "KEYCODE_SLEEP"])
    if problems:
        raise DeviceFault(
            f"{client.name} could not be put back as it was: {'; '.join(problems)}",
            f"restart the phone; what was before stands in {NOTE} on it",
        )
    client.shell(["rm", "-f", NOTE])
