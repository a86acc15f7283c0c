"""Boards that stand in for real ones (`tests/devices/board.py`)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pocketbench.profile.ssh import machine
from tests.devices.board import Board, wait_until
from tests.profile.conftest import PLUGIN, plugin  # noqa: F401 (a fixture)


@pytest.fixture(scope="module")
def shared_board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Board]:
    board = Board(tmp_path_factory.mktemp("board") / "board", packages=PLUGIN)
    board.start()
    yield board
    board.close()


@pytest.fixture
def board(shared_board: Board, monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    """A board that is on, cool and idle, and the client that knows it first on PATH."""
    if not shared_board.is_on:
        shared_board.start()
    shared_board.set_temperature(45.0)
    monkeypatch.setenv("PATH", shared_board.path)
    monkeypatch.setattr(machine, "FIRST_PAUSE_S", 0.1)
    monkeypatch.setattr(machine, "RECONNECT_WAIT_S", 20.0)
    yield shared_board
    assert wait_until(lambda: not shared_board.list_agents()), "something of ours still runs on the board"
    assert not list((shared_board.folder / "tmp").glob("pocketbench-[!b]*")), "a scratch folder is left"


@pytest.fixture
def own_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Board]]:
    """Boards for one test."""
    with contextlib.ExitStack() as stack:

        def make(home_size: str) -> Board:
            made = Board(tmp_path / "board", packages=PLUGIN)
            stack.callback(made.close)
            made.start(home_size)
            monkeypatch.setenv("PATH", made.path)
            return made

        yield make
