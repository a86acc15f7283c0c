"""Measuring on the stand-in phone: by the runner itself, and by the command in a process of its own."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pocketbench.core.records import RunResult
from pocketbench.profile.adb.clock import Clock
from pocketbench.profile.adb.process import Ran, run_program
from pocketbench.profile.adb.runner import AdbRunner
from pocketbench.profile.cell import Cell
from pocketbench.profile.device_entry import DeviceEntry
from tests.devices.phone import CHECKOUT, Phone
from tests.profile.conftest import make_cell

NAME = "pixel4"
HASTE = 20
# what a run leaves on the phone on purpose, in its one folder: models and the program, by their content
CACHE = r"pocketbench(/[0-9a-f]{64}\.(tflite|bin))?"


def make_fast_clock(factor: float) -> Clock:
    """Waiting goes so many times faster."""
    begin = time.monotonic()
    return Clock(
        now=lambda: begin + (time.monotonic() - begin) * factor, sleep=lambda seconds: time.sleep(seconds / factor)
    )


class Bench:
    """The runner over a phone, with plans of few and short runs. No answer is waited for longer than `patience_s`."""

    def __init__(self, phone: Phone) -> None:
        self.phone = phone
        self.results: list[RunResult] = []
        self.patience_s = 1000.0

    def make_entry(self, **changes: Any) -> DeviceEntry:
        known: dict[str, Any] = {
            "name": NAME,
            "transport": "adb",
            "address": self.phone.serial,
            "cores": "big",
            "cool_wait_s": 0.0,
            "engines": {"benchmark_model": str(self.phone.benchmark_path)},
        }
        return DeviceEntry(**(known | changes))

    def make_runner(self, clock: Clock | None = None, **changes: Any) -> AdbRunner:
        def run(command: Sequence[str], timeout_s: float, output_limit: int) -> Ran:
            return run_program(command, min(timeout_s, self.patience_s), output_limit)

        return AdbRunner(self.make_entry(**changes), run, clock)

    def profile(
        self, *paths: Path, clock: Clock | None = None, entry: dict[str, Any] | None = None, **plan: Any
    ) -> list[RunResult]:
        """Measure, by default in one session of two rounds; results are in `results` even when this raises."""
        runner = self.make_runner(clock, **(entry or {}))
        device = runner.read_device()
        cells = []
        for path in paths:
            cell = make_cell(path, "benchmark_model", **plan)
            fitted = runner.fit_plan(cell.plan, path.suffix, device)
            cells.append(Cell(artifact=cell.artifact, path=path, plan=fitted))
        self.results = []
        return runner.profile(cells, run_id="run", device=device, on_result=self.results.append)


@contextlib.contextmanager
def use_phone(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A bench, in whose process `adb` is the phone's."""
    for name in ("POCKETBENCH_ADB", "ANDROID_HOME", "ANDROID_SDK_ROOT", "ANDROID_SERIAL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("PATH", "HOME"):
        monkeypatch.setenv(name, phone.environment[name])
    monkeypatch.setattr(tempfile, "tempdir", phone.environment["TMPDIR"])
    phone.set(haste=HASTE)
    yield Bench(phone)


@contextlib.contextmanager
def meanwhile(action: Callable[[], object]) -> Iterator[None]:
    """Do something beside the block, and let its failure be the test's."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            action()
        except BaseException as error:  # noqa: BLE001  it is raised below
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join(120)
        if failures:
            raise failures[0]


def write_devices(folder: Path, phone: Phone, **changes: str) -> None:
    """devices.toml with this phone, keys changed as TOML text."""
    keys = {
        "name": f'"{NAME}"',
        "transport": '"adb"',
        "serial": f'"{phone.serial}"',
        "cores": '"big"',
        "cool_wait_s": "0",
        "engines": f'{{ benchmark_model = "{phone.benchmark_path}" }}',
    }
    lines = [f"{name} = {value}" for name, value in (keys | changes).items()]
    (folder / "devices.toml").write_text("\n".join(["format = 1", "", "[[device]]", *lines, ""]))


def make_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pocketbench", *arguments]


def start_command(phone: Phone, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        make_command(*arguments),
        cwd=folder,
        env={**phone.environment, "PYTHONPATH": str(CHECKOUT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_command(phone: Phone, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    with start_command(phone, folder, *arguments) as process:
        out, err = process.communicate(timeout=120)
    assert "Traceback" not in err, err
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)
