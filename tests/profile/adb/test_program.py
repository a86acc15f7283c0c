from __future__ import annotations

from pathlib import Path

import pytest

from pocketbench.core.errors import DeviceFault
from pocketbench.profile.adb.process import Ran
from pocketbench.profile.adb.program import find_adb, parse_version, read_version


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("POCKETBENCH_ADB", "ANDROID_HOME", "ANDROID_SDK_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def make(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_which_adb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeviceFault, match="no adb on this machine") as caught:
        find_adb()
    assert "apt-get install adb" in caught.value.cure
    on_path = make(tmp_path / "bin/adb")
    assert find_adb() == str(on_path)
    monkeypatch.setenv("ANDROID_HOME", str(tmp_path / "sdk"))
    assert find_adb() == str(on_path)
    sdk = make(tmp_path / "sdk/platform-tools/adb")
    assert find_adb() == str(sdk)
    named = make(tmp_path / "own adb")
    monkeypatch.setenv("POCKETBENCH_ADB", str(named))
    assert find_adb() == str(named)


@pytest.mark.parametrize("name", ["absent", "folder", "text"])
def test_a_name_that_is_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    make(tmp_path / "bin/adb")
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("")
    monkeypatch.setenv("POCKETBENCH_ADB", str(tmp_path / name))
    with pytest.raises(DeviceFault, match=name):
        find_adb()


def test_versions() -> None:
    debian = "Android Debug Bridge version 1.0.41\nVersion 29.0.6-debian\nInstalled as /usr/bin/adb\n"
    assert parse_version(debian) == "1.0.41 (29.0.6-debian)"
    assert parse_version("Android Debug Bridge version 1.0.32\nRevision 57224c5cff69-android\n") == "1.0.32"
    assert parse_version("adb? never heard") is None
    assert read_version("adb", lambda *_: Ran(status=0, output=debian.encode(), errors=b"")) is not None
    assert read_version("/no/such/adb") is None
