"""A device is held by one process, and free again however that process ended."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pocketbench.core.errors import DeviceFault, FileFault
from pocketbench.profile.device_lock import hold_device, lock_path

HOLDER = """
import sys, time
from pocketbench.profile.device_lock import hold_device
with hold_device(sys.argv[1], "pixel4"):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def holder() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", HOLDER, "adb X"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_another_process_is_refused_and_told_who_has_it(holder: subprocess.Popen[bytes]) -> None:
    with pytest.raises(DeviceFault, match=f"pixel4 is in use: process {holder.pid} measures on it"):
        hold_device("adb X", "pixel4").__enter__()
    with hold_device("adb Y", "pixel5"):
        pass


def test_a_process_that_was_killed_holds_nothing(holder: subprocess.Popen[bytes]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with hold_device("adb X", "pixel4"):
        assert lock_path("adb X").read_text() == str(os.getpid())


def test_it_is_free_after_the_block_and_after_an_error() -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), hold_device("adb X", "pixel4"):
            raise ZeroDivisionError


def test_within_one_process_too() -> None:
    with hold_device("adb X", "pixel4"), pytest.raises(DeviceFault, match=f"process {os.getpid()}"):
        hold_device("adb X", "pixel4").__enter__()


def test_every_user_of_the_machine_shares_it() -> None:
    previous = os.umask(0o077)
    try:
        with hold_device("adb X", "pixel4"):
            assert stat.S_IMODE(lock_path("adb X").stat().st_mode) == 0o666
    finally:
        os.umask(previous)


def test_no_link_is_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("kept")
    lock_path("adb X").symlink_to(target)
    with pytest.raises(FileFault, match="can't lock pixel4"):
        hold_device("adb X", "pixel4").__enter__()
    assert target.read_text() == "kept"


def test_an_identity_may_hold_anything(tmp_path: Path) -> None:
    assert lock_path("../../etc/passwd; rm -rf /").parent == tmp_path
    assert lock_path("a") != lock_path("b")
