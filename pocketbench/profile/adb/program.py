"""The adb program of this machine."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from pocketbench.core.errors import DeviceFault
from pocketbench.profile.adb.process import RunProgram, run_program

PROGRAM_VARIABLE = "POCKETBENCH_ADB"
SDK_VARIABLES = ("ANDROID_HOME", "ANDROID_SDK_ROOT")
INSTALL = (
    "apt-get install adb, or Android's platform-tools (https://developer.android.com/tools/releases/platform-tools)"
)
VERSION_TIMEOUT_S = 10.0


def find_adb() -> str:
    """The program that POCKETBENCH_ADB names; else that of the Android SDK (ANDROID_HOME); else the one on PATH.

    Raises: DeviceFault when there is none, or the one that was named can't be run.
    """
    named = os.environ.get(PROGRAM_VARIABLE)
    if named:
        if not os.access(named, os.X_OK) or Path(named).is_dir():
            raise DeviceFault(f"{PROGRAM_VARIABLE} names {named}, which is no program", f"check the path; {INSTALL}")
        return named
    for variable in SDK_VARIABLES:
        folder = os.environ.get(variable)
        found = shutil.which("adb", path=str(Path(folder) / "platform-tools")) if folder else None
        if found:
            return found
    found = shutil.which("adb")
    if found is None:
        raise DeviceFault("there is no adb on this machine", f"{INSTALL}; or set {PROGRAM_VARIABLE}")
    return found


def parse_version(text: str) -> str | None:
    """The protocol and the release that `adb version` prints: "1.0.41 (29.0.6-debian)"."""
    protocol = re.search(r"^Android Debug Bridge version (\S+)", text, re.MULTILINE)
    release = re.search(r"^Version (\S+)", text, re.MULTILINE)
    if protocol is None:
        return None
    return protocol[1] + (f" ({release[1]})" if release else "")


def read_version(program: str, run: RunProgram = run_program) -> str | None:
    """The version of an adb; None where it does not say."""
    try:
        return parse_version(run([program, "version"], VERSION_TIMEOUT_S, 1 << 16).output.decode(errors="replace"))
    except OSError:
        return None
