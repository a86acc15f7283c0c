"""What `devices check` says of a board."""

from __future__ import annotations

import pytest

from pocketbench.profile.device_entry import DeviceCheck, DeviceEntry
from pocketbench.profile.ssh.checks import check_board
from pocketbench.profile.ssh.survey import BoardSurvey

STATE = {
    **dict.fromkeys(("cpu_model", "governor", "frequency_khz", "load_average", "memory_available_bytes")),
    "taken_at": "2026-03-01T10:00:00+00:00",
    "cores": [],
}


def check_temperature(celsius: float, limit: float | None) -> DeviceCheck:
    survey = BoardSurvey(
        facts={"model": "Pi", "os_version": "Debian", "python": "3.11.2", "executable": "/usr/bin/python3"},
        state=STATE | {"temperature_celsius": celsius},
        engines={"litert": {"ai-edge-litert": "2.3.0"}},
        problems={},
    )
    entry = DeviceEntry(name="board", transport="ssh", address="pi@pi", max_celsius=limit)
    return {check.subject: check for check in check_board(entry, lambda: survey)}["temperature"]


@pytest.mark.parametrize("limit", [None, 60.0])
def test_a_cool_board_is_ready(limit: float | None) -> None:
    check = check_temperature(45.0, limit)
    assert (check.found, check.cure) == ("45.0 °C", None)


def test_a_board_that_a_run_would_wait_for_says_so() -> None:
    check = check_temperature(45.0, 40.0)
    assert check.found == "45.0 °C (limit 40 °C)"
    assert check.cure is not None
    assert not check.is_fault
