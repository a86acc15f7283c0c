from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from pocketbench.core.errors import DeviceFault, UnknownNameError, UsageError
from pocketbench.core.records import Device, RunPlan
from pocketbench.profile.adb import runner as module
from pocketbench.profile.adb.folder import FOLDER, NOTE
from pocketbench.profile.adb.quiet import Note, format_note
from pocketbench.profile.adb.runner import AdbRunner
from pocketbench.profile.device_entry import DeviceCheck, DeviceEntry
from pocketbench.profile.device_lock import hold_device
from pocketbench.profile.runners import make_runner
from tests.profile.adb.fake_phone import ADB, SERIAL, FakePhone, write_program

ENTRY = DeviceEntry(name="pixel4", transport="adb", address=SERIAL, cores="big")


@pytest.fixture(autouse=True)
def _adb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_adb", lambda: ADB)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def make(phone: FakePhone, **changes: Any) -> AdbRunner:
    return AdbRunner(dataclasses.replace(ENTRY, **changes), phone, phone.clock)


def fit(plan: RunPlan, suffix: str = ".tflite", **changes: Any) -> RunPlan:
    phone = FakePhone()
    runner = make(phone, **changes)
    return runner.fit_plan(plan, suffix, runner.read_device())


def test_it_is_the_runner_of_adb() -> None:
    assert isinstance(make_runner(ENTRY), AdbRunner)


@pytest.mark.parametrize("engine", ["litert", "tflite_runtime", "benchmark_model"])
def test_plans_of_engines_for_tflite(engine: str) -> None:
    fitted = fit(RunPlan(engine=engine, round_count=7, session_count=5, thread_count=3))
    assert (fitted.engine, fitted.core_mask, fitted.thread_count) == ("benchmark_model", 0x70, 3)
    assert (fitted.round_count, fitted.session_count) == (7, 5)
    assert (fitted.burst_count, fitted.settle_count) == (50, 0)


def test_cores() -> None:
    assert fit(RunPlan(engine="litert"), cores="prime").core_mask == 0x80
    assert fit(RunPlan(engine="litert"), cores=0x3).core_mask == 0x3
    assert fit(RunPlan(engine="litert"), cores=None).core_mask is None
    assert fit(RunPlan(engine="litert", core_mask=0x10), cores=None).core_mask == 0x10
    assert fit(RunPlan(engine="litert", burst_count=80)).burst_count == 80
    assert fit(RunPlan(engine="litert", delegate="gpu")).delegate == "gpu"


@pytest.mark.parametrize(
    ("plan", "suffix", "changes", "what"),
    [
        (RunPlan(engine="onnxruntime"), ".onnx", {}, "phones run .tflite"),
        (RunPlan(engine="litert"), ".onnx", {}, "phones run .tflite"),
        (RunPlan(engine="onnxruntime"), ".tflite", {}, "phones run .tflite"),
        (RunPlan(engine="litert", thread_count=4), ".tflite", {}, "4 threads"),
        (RunPlan(engine="litert", thread_count=9), ".tflite", {"cores": None}, "9 threads are wanted on the 8 cores"),
        (RunPlan(engine="litert", core_mask=0x100), ".tflite", {"cores": None}, "no core 8"),
        (RunPlan(engine="litert"), ".tflite", {"cores": 0x100}, "no core 8"),
        (RunPlan(engine="litert", shapes={"x": (1, 3)}), ".tflite", {}, "input shapes"),
        (RunPlan(engine="litert", delegate="npu"), ".tflite", {}, "no delegate 'npu'"),
        (RunPlan(engine="litter"), ".tflite", {}, "no engine 'litter'"),
    ],
)
def test_plans_that_a_phone_can_not_carry_out(plan: RunPlan, suffix: str, changes: dict[str, Any], what: str) -> None:
    with pytest.raises(UsageError) as caught:
        fit(plan, suffix, **changes)
    assert what in caught.value.what
    assert isinstance(caught.value, UnknownNameError) or caught.value.cure


def test_a_device_without_a_serial() -> None:
    phone = FakePhone()
    assert make(phone, address=None).read_device().name == "pixel4"
    phone.states["OTHER"] = "device"
    with pytest.raises(DeviceFault, match=f"attached: {SERIAL}, OTHER"):
        make(phone, address=None).read_device()
    phone.states = {}
    with pytest.raises(DeviceFault, match="no device is attached"):
        make(phone, address=None).read_device()


def check(phone: FakePhone, **changes: Any) -> dict[str, DeviceCheck]:
    return {item.subject: item for item in make(phone, **changes).check()}


def test_checks_of_a_phone_that_is_ready(tmp_path: Path) -> None:
    engines = {"benchmark_model": str(write_program(tmp_path))}
    checks = check(FakePhone(), engines=engines)
    assert [item.subject for item in checks.values() if item.cure] == []
    assert checks["cores"].found == "mask 70 (cores 4-6 of 8)"
    assert checks["heat"].found == "battery 28.0 °C, thermal status 0"


def test_checks_of_a_phone_that_is_not() -> None:
    phone = FakePhone()
    phone.tools -= {"taskset", "sha256sum"}
    phone.battery_tenths, phone.available_kib = [400], 1000
    checks = check(phone, cores="medium")
    assert {name for name, item in checks.items() if item.is_fault} == {"cores", "programs", "benchmark_model"}
    assert checks["programs"].found == "there is no sha256sum, taskset"
    cure = checks["benchmark_model"].cure or ""
    assert "nightly/latest/android_aarch64_benchmark_model (" in cure
    assert 'engines = { benchmark_model = "PATH" }' in cure
    assert {name for name, item in checks.items() if item.cure and not item.needed} == {"room", "heat"}


@pytest.mark.parametrize(("state", "what"), [("unauthorized", "unauthorized"), ("offline", "offline")])
def test_checks_of_a_phone_that_does_not_answer(state: str, what: str) -> None:
    phone = FakePhone()
    phone.states = {SERIAL: state}
    checks = check(phone)
    assert list(checks) == ["adb", "connection"]
    assert checks["connection"].is_fault
    assert what in checks["connection"].found


def test_a_check_without_adb(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise DeviceFault("there is no adb on this machine", "install it")

    monkeypatch.setattr(module, "find_adb", fail)
    (only,) = make(FakePhone()).check()
    assert (only.subject, only.cure) == ("adb", "install it")
    with pytest.raises(DeviceFault, match="no adb"):
        AdbRunner.list_attached()


def test_a_check_puts_back_what_an_interrupted_run_left() -> None:
    phone = FakePhone()
    phone.files[NOTE] = format_note(Note(stay_on="0", screen_on=False)).encode()
    phone.stay_on, phone.screen, phone.processes = "7", "Awake", [17]
    with hold_device(f"adb {SERIAL}", "pixel4"):
        checks = check(phone)
    assert checks["use"].is_fault
    assert phone.stay_on == "7"
    checks = check(phone)
    assert "put back" in checks["use"].found
    assert (phone.stay_on, phone.screen, phone.processes, phone.files) == ("0", "Asleep", [], {})
    assert check(phone)["use"].found == "no run measures on it"


def test_attached_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    phone = FakePhone()
    phone.states["OTHER"] = "unauthorized"
    monkeypatch.setattr(module.AdbClient.__init__, "__defaults__", (phone, phone.clock))
    monkeypatch.setattr(module.list_attached, "__defaults__", (phone,))
    ready, other = AdbRunner.list_attached()
    assert isinstance(ready.device, Device)
    assert (ready.address, ready.state, ready.problem, ready.device.name) == (SERIAL, "device", None, None)
    assert (other.device, other.state) == (None, "unauthorized")
    assert "OTHER" in (other.problem or "")
    assert "accept" in (other.cure or "")


@pytest.mark.parametrize(
    ("place", "what"),
    [
        ("/no/such/file", "No such file"),
        ("/etc/passwd", "no program for Android"),
        (f"device:{FOLDER}/x", "no program"),
    ],
)
def test_engines_that_can_not_run(place: str, what: str) -> None:
    found = check(FakePhone(), engines={"benchmark_model": place})["benchmark_model"]
    assert found.is_fault
    assert what in found.found


def test_an_engine_for_another_processor(tmp_path: Path) -> None:
    path = tmp_path / "b"
    path.write_bytes(b"\x7fELF\x02\x01" + bytes(12) + (62).to_bytes(2, "little") + bytes(100))
    found = check(FakePhone(), engines={"benchmark_model": str(path)})["benchmark_model"]
    assert "built for x86_64, and pixel4 runs arm64-v8a, armeabi-v7a, armeabi" in found.found


def test_an_engine_that_is_on_the_phone() -> None:
    phone = FakePhone()
    phone.files["/data/local/tmp/b m"] = b"x"
    found = check(phone, engines={"benchmark_model": "device:/data/local/tmp/b m"})["benchmark_model"]
    assert found.cure is None
    assert found.found.startswith("/data/local/tmp/b m on the phone, sha256 ")
