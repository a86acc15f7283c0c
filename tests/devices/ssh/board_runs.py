"""Runs on a board, and what is asked of their results."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pocketbench.core.errors import PocketbenchError
from pocketbench.core.records import RunResult
from pocketbench.profile.cell import Cell
from pocketbench.profile.device_entry import DeviceEntry
from pocketbench.profile.progress import Progress
from pocketbench.profile.ssh.runner import SshRunner
from tests.profile.conftest import DEVICE

ON_BOARD = dataclasses.replace(DEVICE, device_id="ssh-test", transport="ssh", name="board")


def write_fake(folder: Path, name: str, size: int = 7) -> Path:
    path = folder / name
    path.write_bytes(name.encode().ljust(size, b"."))
    return path


def run(
    entry: DeviceEntry, *cells: Cell, on_text: Callable[[str], object] = lambda _: None, **options: Any
) -> list[RunResult]:
    def tell(progress: Progress) -> None:
        on_text(progress.text)

    options = {"run_id": "run", "device": ON_BOARD, "on_result": lambda _: None, "on_progress": tell, **options}
    return SshRunner(entry).profile(cells, **options)


def once(text: str, act: Callable[[], object]) -> Callable[[str], None]:
    """Act when progress says `text` for the first time."""
    waiting = [act]

    def look(said: str) -> None:
        if text in said and waiting:
            waiting.pop()()

    return look


def show(results: list[RunResult]) -> list[tuple[str, int, str]]:
    """Each result's file, its session, and how many samples it has or the kind of its failure."""
    return [
        (
            result.artifact.file_name,
            result.session_index,
            result.failure.kind
            if result.failure
            else str(len(result.measurement.wall_ns))
            if result.measurement
            else "",
        )
        for result in results
    ]


def check_fault(entry: DeviceEntry) -> PocketbenchError:
    """The error of a board that can't be reached; `check` says the same and raises nothing."""
    with pytest.raises(PocketbenchError) as caught:
        SshRunner(entry).read_device()
    (check,) = SshRunner(entry).check()
    assert (check.found, check.cure, check.is_fault) == (caught.value.what, caught.value.cure, True)
    return caught.value
