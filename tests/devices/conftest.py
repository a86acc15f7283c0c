"""Phones that stand in for real ones, and the daemon of Android that they run, which is built once."""

from __future__ import annotations

import fcntl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.devices.phone import CHECKOUT, Phone

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def daemons() -> Path:
    """The folder with Android's adbd, built when `build-adbd` or the folder is new."""
    folder = CHECKOUT / "out/test-rig"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([str(HERE / "build-adbd"), str(folder / "adbd")], check=True)
    return folder / "adbd"


@pytest.fixture(scope="module")
def shared_phone(daemons: Path) -> Iterator[Phone]:
    with Phone(daemons) as phone:
        yield phone


@pytest.fixture
def phone(shared_phone: Phone) -> Phone:
    """A phone as it left the shop, shared by the tests of a module."""
    shared_phone.reset()
    return shared_phone
