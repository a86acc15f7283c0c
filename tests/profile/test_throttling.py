from __future__ import annotations

import dataclasses

import pytest

from pocketbench.profile.conditions import read_conditions
from pocketbench.profile.throttling import check_throttling, describe_throttling


def test_each_bit_has_a_name() -> None:
    assert describe_throttling(0) == ""
    assert describe_throttling(0x5) == "under-voltage, throttling"
    assert describe_throttling(0xA) == "a capped clock, a soft temperature limit"
    assert describe_throttling(0xF0000) == "", "what was so once is not so now"


@pytest.mark.parametrize(
    ("before", "after", "reasons"),
    [
        (0x0, 0x0, None),
        (0x50000, 0x50000, None),  # since the board was started, and not in the session
        (0x0, 0x50000, "under-voltage, throttling"),
        (0x10000, 0x90000, "a soft temperature limit"),
        (0x1, 0x10000, "under-voltage"),
        (0x0, 0x80008, "a soft temperature limit"),
        (None, 0x5, None),
        (0x5, None, None),
    ],
)
def test_what_held_the_clock_down_in_a_session_is_a_caveat(
    before: int | None, after: int | None, reasons: str | None
) -> None:
    state = read_conditions()
    caveat = check_throttling(
        dataclasses.replace(state, throttle_flags=before), dataclasses.replace(state, throttle_flags=after)
    )
    if reasons is None:
        assert caveat is None
    else:
        assert caveat is not None
        assert (caveat.code, caveat.text) == ("throttled", f"the board's firmware reports {reasons} in the session")
