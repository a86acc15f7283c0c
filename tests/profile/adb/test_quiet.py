from __future__ import annotations

import contextlib
import json

import pytest

from pocketbench.core.errors import DeviceFault
from pocketbench.profile.adb.connection import ConnectionFault
from pocketbench.profile.adb.folder import NOTE
from pocketbench.profile.adb.quiet import (
    Note,
    choose_fixed_khz,
    format_note,
    keep_quiet,
    parse_note,
    restore_leftover,
)
from tests.profile.adb.fake_phone import FakePhone

NOTES = [
    Note(stay_on="null", screen_on=False),
    Note(stay_on=None, screen_on=None),
    Note(stay_on="3", screen_on=True, limits={4: (710400, 2419200), 11: (1, 2)}),
]


class Interruption(BaseException):
    pass


@pytest.mark.parametrize("is_root", [False, True])
@pytest.mark.parametrize("stay_on", [None, "0", "3"])
@pytest.mark.parametrize("screen", ["Asleep", "Awake", "Dozing"])
def test_a_phone_is_awake_and_then_as_it_was(is_root: bool, stay_on: str | None, screen: str) -> None:
    phone = FakePhone()
    phone.is_root, phone.stay_on, phone.screen = is_root, stay_on, screen
    before = phone.changeable
    with keep_quiet(phone.client(), {4, 5, 6}):
        assert (phone.stay_on, phone.screen) == ("7", "Awake")
        assert NOTE in phone.files
        limits = {core: (files["scaling_min_freq"], files["scaling_max_freq"]) for core, files in phone.cores.items()}
        fixed = {core for core, (least, most) in limits.items() if least == most}
        assert fixed == ({4, 5, 6} if is_root else set())
    assert phone.changeable == {**before, "screen": "Awake" if screen == "Awake" else "Asleep"}
    assert phone.files == {}


def test_what_is_noted_stands_on_the_phone_before_anything_is_changed() -> None:
    phone = FakePhone()
    with keep_quiet(phone.client(), None):
        pass
    kinds = [words[0] for words in phone.lines]
    note = next(index for index, words in enumerate(phone.lines) if words[0] == "sh" and NOTE in words)
    assert note < kinds.index("svc") < kinds.index("input")


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, Interruption, DeviceFault("a", "b")])
def test_it_is_put_back_whatever_ends_the_run(error: BaseException | type[BaseException]) -> None:
    phone = FakePhone()
    phone.is_root = True
    before = phone.changeable
    with pytest.raises(BaseException), keep_quiet(phone.client(), None):  # noqa: B017, PT011 (each of them)
        raise error
    assert phone.changeable == before
    assert phone.files == {}


def interrupt_and_unplug(phone: FakePhone) -> None:
    with contextlib.suppress(KeyboardInterrupt), keep_quiet(phone.client(), None):
        phone.states = {}
        raise KeyboardInterrupt


def test_a_phone_that_was_gone_at_the_end_is_put_back_by_the_next_run() -> None:
    phone = FakePhone()
    phone.is_root = True
    before = phone.changeable
    states = dict(phone.states)
    interrupt_and_unplug(phone)
    phone.states = states
    assert phone.changeable != before
    assert restore_leftover(phone.client())
    assert phone.changeable == before
    assert not restore_leftover(phone.client())
    interrupt_and_unplug(phone)
    phone.states = states
    with keep_quiet(phone.client(), None):
        assert phone.changeable != before
    assert phone.changeable == before, "the first state, not the one that was found"


def test_a_phone_that_goes_at_the_very_end_is_waited_for() -> None:
    phone = FakePhone()
    before = phone.changeable
    states = dict(phone.states)

    def come_back(seconds: float) -> None:
        phone.seconds += seconds
        phone.states = states

    client = phone.client()
    client.clock = type(client.clock)(now=client.clock.now, sleep=come_back)
    with keep_quiet(client, None):
        phone.states = {}
    assert phone.changeable == before


def test_a_phone_that_stays_away_is_a_fault() -> None:
    phone = FakePhone()
    with pytest.raises(ConnectionFault), keep_quiet(phone.client(), None):
        phone.states = {}


def test_what_can_not_be_put_back_is_told_and_the_note_stays() -> None:
    phone = FakePhone()
    phone.is_root = True
    with pytest.raises(DeviceFault, match="clock of core 0") as caught, keep_quiet(phone.client(), None):
        phone.is_root = False
    assert "restart" in caught.value.cure
    assert NOTE in phone.files


def test_settings_that_are_not_understood_are_not_touched() -> None:
    phone = FakePhone()
    phone.stay_on = "$(reboot)"
    with keep_quiet(phone.client(), None):
        pass
    assert not any(words[:2] == ["settings", "put"] for words in phone.lines)


@pytest.mark.parametrize("note", NOTES)
def test_a_note_comes_back_as_it_was(note: Note) -> None:
    text = format_note(note)
    assert "\\" not in text
    assert "\n" not in text
    assert parse_note(text + "\n") == note


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"stay_on": "7; reboot"},
        {"stay_on": 7},
        {"screen_on": "yes"},
        {"limits": {"4": [1]}},
        {"limits": {"4": ["1", 2]}},
        {"limits": {"4": [0, 2]}},
        {"limits": {"x": [1, 2]}},
        {"limits": []},
        {"more": 1},
    ],
)
def test_a_note_that_somebody_changed_is_not_followed(changes: dict[str, object]) -> None:
    data = {**json.loads(format_note(NOTES[2])), **changes}
    phone = FakePhone()
    phone.files[NOTE] = json.dumps(data).encode()
    with pytest.raises(DeviceFault, match="can't be read") as caught:
        restore_leftover(phone.client())
    assert NOTE in caught.value.cure
    assert [words[0] for words in phone.lines] == ["cat"]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000])
def test_a_note_that_is_none(text: str) -> None:
    phone = FakePhone()
    phone.files[NOTE] = text.encode()
    with pytest.raises(DeviceFault, match="can't be read"):
        restore_leftover(phone.client())


def test_the_middle_step() -> None:
    assert choose_fixed_khz("300000 576000 768000 1113600 1478400 1785600\n") == 1113600
    assert choose_fixed_khz("1785600 300000 768000") == 768000
    assert choose_fixed_khz("1785600") is None
    assert choose_fixed_khz("") is choose_fixed_khz(None) is None
