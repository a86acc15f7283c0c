"""What is installed here, what is not, and the line that installs it. Nothing heavy is imported."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

import pocketbench
from pocketbench.core.errors import MissingPackageError, PocketbenchError
from pocketbench.workflow.doctor_packages import Finding, State, examine_packages, examine_torchvision, find_version

LOW_DISK_BYTES = 2_000_000_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PROGRAMS = {
    "ssh": ("reaches boards and Macs", "sudo apt-get install openssh-client"),
    "git": ("names the commit of a result", "sudo apt-get install git"),
}
CHECKOUT_PROGRAMS = {
    "make": ("runs the targets of the Makefile", "sudo apt-get install make"),
    "gcc": ("compiles packages that have no wheel for this machine", "sudo apt-get install gcc"),
}


def examine() -> list[Finding]:
    """Everything that pocketbench may need, in the order of the sections."""
    checkout = find_checkout()
    findings = [examine_python(), *examine_packages(checkout)]
    torchvision = examine_torchvision()
    if torchvision is not None:
        findings.append(torchvision)
    findings.append(examine_tflite_runtime())
    findings += [examine_adb(), *(examine_program(name, *about) for name, about in PROGRAMS.items())]
    if checkout is not None:
        findings += [examine_program(name, *about) for name, about in CHECKOUT_PROGRAMS.items()]
        findings += [examine_browser(), examine_postgresql()]
    return [*findings, examine_host(), examine_disk(Path.cwd()), examine_database()]


def find_checkout() -> Path | None:
    """The folder of the repository when pocketbench runs from one."""
    root = Path(pocketbench.__file__).parent.parent
    return root if (root / "pyproject.toml").is_file() and (root / "constraints.txt").is_file() else None


def examine_python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    text = ".".join(map(str, version))
    if version < (3, 11):
        return Finding(section="python", name="Python", state="missing", detail=text, cure="install Python 3.11")
    return Finding(section="python", name="Python", state="ok", detail=f"{text}, {sys.executable}")


def examine_tflite_runtime() -> Finding:
    """The environment of its own that tflite-runtime has."""
    from pocketbench.profile.runtimes import engine_python

    section, name = "optional packages", "tflite-runtime"
    try:
        python = engine_python("tflite_runtime")
    except PocketbenchError as error:
        state: State = "absent" if isinstance(error, MissingPackageError) else "warning"
        return Finding(section=section, name=name, state=state, detail=error.what, cure=error.cure)
    if python == Path(sys.executable):
        return Finding(section=section, name=name, state="ok", detail=f"{find_version('tflite-runtime')}, here")
    found = sorted(python.parent.parent.glob("lib/python*/site-packages/tflite_runtime-*.dist-info"))
    if not found:
        return Finding(
            section=section,
            name=name,
            state="warning",
            detail=f"{python} is there, and tflite-runtime is not beside it",
            cure=f"{python} -m pip install tflite-runtime 'numpy<2'",
        )
    version = found[0].name.removesuffix(".dist-info").partition("-")[2]
    return Finding(section=section, name=name, state="ok", detail=f"{version}, {python}")


def examine_adb() -> Finding:
    """The adb that a run would use: POCKETBENCH_ADB, ANDROID_HOME, PATH."""
    from pocketbench.profile.adb.program import PROGRAM_VARIABLE, find_adb

    try:
        path = find_adb()
    except PocketbenchError as error:
        state: State = "warning" if os.environ.get(PROGRAM_VARIABLE) else "absent"
        return Finding(section="programs", name="adb", state=state, detail=error.what, cure=error.cure)
    return Finding(section="programs", name="adb", state="ok", detail=path)


def examine_program(name: str, purpose: str, install: str) -> Finding:
    path = shutil.which(name)
    if path is None:
        return Finding(
            section="programs", name=name, state="absent", detail=f"not installed; it {purpose}", cure=install
        )
    return Finding(section="programs", name=name, state="ok", detail=path)


def examine_browser() -> Finding:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        return _absent_test_program("chromium", "the report's tests use it")
    return Finding(section="programs", name="chromium", state="ok", detail=f"{path} (tests only)")


def examine_postgresql() -> Finding:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    path = str(found[-1]) if found else shutil.which("initdb")
    if path is None:
        return _absent_test_program("postgresql", "the store's tests start a server")
    return Finding(section="programs", name="postgresql", state="ok", detail=f"{path} (tests only)")


def examine_host() -> Finding:
    """The host as a device, and whether its latencies stand for a phone's."""
    from pocketbench.core.units import format_bytes
    from pocketbench.profile.device import read_host_device

    host = read_host_device()
    memory = format_bytes(host.memory_bytes) if host.memory_bytes is not None else None
    parts = [host.soc, f"{host.core_count} cores" if host.core_count else None, memory, host.os_version, host.device_id]
    return Finding(section="machine", name="host", state="ok", detail=", ".join(filter(None, parts)))


def examine_disk(folder: Path) -> Finding:
    from pocketbench.core.units import format_bytes

    free = shutil.disk_usage(folder).free
    detail = f"{format_bytes(free)} free in {folder}"
    if free < LOW_DISK_BYTES:
        return Finding(section="machine", name="disk", state="warning", detail=detail, cure="free some space")
    return Finding(section="machine", name="disk", state="ok", detail=detail)


def examine_database() -> Finding:
    """Whether the results database can be read, and its folder written."""
    from pocketbench.core.database import DATABASE_VARIABLE

    section, name = "machine", "results"
    try:
        from pocketbench.core.store import Store

        store = Store()
        run_count = len(store.read_values("run_id"))
    except ModuleNotFoundError:
        detail = "can't be read without SQLAlchemy"
        return Finding(section=section, name=name, state="warning", detail=detail, cure="see SQLAlchemy above")
    except PocketbenchError as error:
        return Finding(section=section, name=name, state="missing", detail=error.what, cure=error.cure)
    if store.file is not None and not is_writable(store.file):
        return Finding(
            section=section,
            name=name,
            state="missing",
            detail=f"{store.place} can't be written",
            cure=f"check the permissions of the file and its folder, or set {DATABASE_VARIABLE} to another file",
        )
    detail = f"{store.place}: {run_count} run{'' if run_count == 1 else 's'}"
    return Finding(section=section, name=name, state="ok", detail=detail)


def is_writable(file: Path) -> bool:
    """Whether a file may be written, or made where it is not yet."""
    if file.exists() and not os.access(file, os.W_OK):
        return False
    folder = next(parent for parent in file.absolute().parents if parent.exists())
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _absent_test_program(name: str, purpose: str) -> Finding:
    cure = "make setup-system" if platform.system() == "Linux" else f"install {name}"
    return Finding(section="programs", name=name, state="absent", detail=f"not installed; {purpose}", cure=cure)
