"""Pictures that another process draws: the same bytes, and no worse when it can't."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from pocketbench.reports import picture_process
from pocketbench.reports.picture_process import (
    FEWEST_BESIDE,
    PICTURE_SUFFIXES,
    Charts,
    Pictures,
    draw_pictures,
    drawing_beside,
)

CHART = {
    "data": {"values": [{"x": 1, "y": 2, "name": "möglich"}]},
    "mark": {"type": "text", "clip": True},
    "encoding": {
        "x": {"field": "x", "type": "quantitative"},
        "y": {"field": "y", "type": "quantitative"},
        "text": {"field": "name"},
    },
}
CHARTS: dict[str, dict[str, Any]] = {f"chart {number}": CHART | {"width": number} for number in range(FEWEST_BESIDE)}


def draw_nothing(charts: Charts) -> Pictures:
    return {f"{name}{suffix}": b"drawn here" for name in charts for suffix in PICTURE_SUFFIXES}


@pytest.mark.slow
@pytest.mark.parametrize(("count", "processes"), [(FEWEST_BESIDE, 1), (2 * FEWEST_BESIDE, 2)])
def test_other_processes_draw_the_same(monkeypatch: pytest.MonkeyPatch, count: int, processes: int) -> None:
    charts = {f"chart {number}": CHART | {"width": number} for number in range(count)}
    expected = draw_pictures(charts)
    begun: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def keep(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        begun.append(start(command, **options))
        return begun[-1]

    monkeypatch.setattr(subprocess, "Popen", keep)
    monkeypatch.setattr(picture_process, "count_cores", lambda: 2)
    monkeypatch.setattr(picture_process, "draw_pictures", draw_nothing)
    with drawing_beside(charts) as finish:
        found = finish()
    assert found == expected
    assert list(found) == list(expected)
    assert len(begun) == processes


@pytest.mark.parametrize("program", ["/bin/false", "/bin/true"])
def test_what_it_can_not_draw_is_drawn_here(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", program)
    monkeypatch.setattr(picture_process, "draw_pictures", draw_nothing)
    with drawing_beside(CHARTS) as finish:
        assert set(finish().values()) == {b"drawn here"}


def test_few_pictures_are_drawn_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: object, **more: object) -> None:
        raise AssertionError(given, more)

    monkeypatch.setattr(subprocess, "Popen", refuse)
    monkeypatch.setattr(picture_process, "draw_pictures", draw_nothing)
    with drawing_beside({"one": CHART}) as finish:
        assert finish() == draw_nothing({"one": CHART})


def test_an_error_meanwhile_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def keep(_: list[str], **options: Any) -> subprocess.Popen[bytes]:
        begun.append(start(["sleep", "100"], **options))
        return begun[0]

    def fail() -> None:
        with drawing_beside(CHARTS):
            raise KeyError("meanwhile")

    monkeypatch.setattr(subprocess, "Popen", keep)
    with pytest.raises(KeyError, match="meanwhile"):
        fail()
    assert begun[0].returncode is not None
