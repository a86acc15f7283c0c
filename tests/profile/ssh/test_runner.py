"""How plans are fitted to boards, by what boards said; `tests/devices` has the runs."""

from __future__ import annotations

from typing import Any

import pytest

from pocketbench.core.errors import UsageError
from pocketbench.core.records import Device, RunPlan
from pocketbench.profile.agent.machine_state import read_facts, read_state
from pocketbench.profile.agent.refusal import Refusal
from pocketbench.profile.device_entry import DeviceEntry
from pocketbench.profile.runners import make_runner
from pocketbench.profile.ssh.runner import SshRunner
from pocketbench.profile.ssh.survey import BoardSurvey

MAC = {"system": "Darwin", "clusters": [], "model": "Macmini9,1", "core_count": 8}
PI = {"system": "Linux", "clusters": [{"cores": [0, 1, 2, 3], "max_khz": 2_400_000}], "model": "Pi", "core_count": 4}


def make(
    facts: dict[str, Any],
    engines: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    problems: dict[str, Refusal] | None = None,
    **entry: Any,
) -> tuple[SshRunner, Device]:
    runner = make_runner(DeviceEntry(name="board", transport="ssh", address="pi@pi", **entry))
    assert isinstance(runner, SshRunner)
    whole = {**read_facts(), **facts, "python": "3.11.2", "executable": "/usr/bin/python3"}
    survey = BoardSurvey(
        facts=whole, state=read_state(), engines={name: {name: "1.0"} for name in engines}, problems=problems or {}
    )
    monkeypatch.setattr(runner, "_survey", survey)
    monkeypatch.setattr(runner, "_facts", whole)
    return runner, runner.read_device()


def test_core_mls_threads_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    runner, device = make(MAC, ("coreml",), monkeypatch)
    assert (device.name, device.model, device.clusters) == ("board", "Macmini9,1", ())
    fitted = [
        runner.fit_plan(RunPlan(engine="coreml", delegate="cpu_and_ne", thread_count=count), ".mlpackage", device)
        for count in (1, 2, 64)
    ]
    assert fitted == [RunPlan(engine="coreml", delegate="cpu_and_ne", thread_count=None)] * 3


def test_a_mac_lets_nobody_choose_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    runner, device = make(MAC, ("coreml", "litert"), monkeypatch, cores="big")
    with pytest.raises(UsageError, match="macOS does not let a program choose its cores"):
        runner.fit_plan(RunPlan(engine="litert"), ".tflite", device)


def test_a_plans_own_mask_is_checked_and_goes_before_the_entrys(monkeypatch: pytest.MonkeyPatch) -> None:
    runner, device = make(PI, ("litert",), monkeypatch, cores="all")
    assert runner.fit_plan(RunPlan(engine="litert", thread_count=4), ".tflite", device).core_mask == 0xF
    assert runner.fit_plan(RunPlan(engine="litert", core_mask=0x4), ".tflite", device).core_mask == 0x4
    with pytest.raises(UsageError, match="no core 4, 5"):
        runner.fit_plan(RunPlan(engine="litert", core_mask=0x30), ".tflite", device)
    with pytest.raises(UsageError, match="5 threads are wanted, and board has 4 cores"):
        runner.fit_plan(RunPlan(engine="litert", thread_count=5), ".tflite", device)


def test_no_other_engine_is_taken_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = {
        "litert": Refusal("missing_package", "python3: No module named 'ai_edge_litert'"),
        "coreml": Refusal("load", "Core ML runs on macOS alone"),
    }
    runner, device = make(PI, ("tflite_runtime", "onnxruntime"), monkeypatch, problems)
    with pytest.raises(UsageError) as caught:
        runner.fit_plan(RunPlan(engine="litert"), ".tflite", device)
    assert caught.value.what == (
        "board has no litert: python3: No module named 'ai_edge_litert'; .tflite files run there on tflite_runtime"
    )
    assert "pip install ai-edge-litert" in caught.value.cure
    with pytest.raises(UsageError, match=r"no coreml: Core ML runs on macOS alone \(choose another --engine\)"):
        runner.fit_plan(RunPlan(engine="coreml"), ".mlpackage", device)
    with pytest.raises(UsageError, match=r"no benchmark_model: it does not run on boards; .tflite"):
        runner.fit_plan(RunPlan(engine="benchmark_model"), ".tflite", device)
    assert runner.fit_plan(RunPlan(engine="tflite_runtime"), ".tflite", device).engine == "tflite_runtime"


def test_checks_name_what_is_missing_and_leave_out_what_is_for_other_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = {
        "litert": Refusal("missing_package", "No module named 'ai_edge_litert'"),
        "coreml": Refusal("load", "Core ML runs on macOS alone"),
    }
    runner, _ = make(PI, ("onnxruntime",), monkeypatch, problems, cores="prime")
    checks = {check.subject: check for check in runner.check()}
    assert "engine coreml" not in checks
    assert checks["engine onnxruntime"].cure is None
    assert checks["engine litert"].cure is not None
    assert not checks["engine litert"].is_fault
    assert checks["cores"].is_fault
    assert "no prime core" in checks["cores"].found
    runner, _ = make(PI, (), monkeypatch, problems)
    assert [check.subject for check in runner.check() if check.is_fault] == ["engines"]
