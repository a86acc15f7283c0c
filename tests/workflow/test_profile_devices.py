"""Files fitted to devices, measured on each, and what a device that fails costs; with runners at the seam."""

from __future__ import annotations

from pathlib import Path

import pytest

from pocketbench.core.errors import DeviceFault, UsageError
from pocketbench.core.records import Artifact, RunPlan
from pocketbench.core.registry import Entry
from pocketbench.core.store import Store
from pocketbench.profile.device_entry import HOST_ENTRY, DeviceEntry
from pocketbench.profile.device_lock import hold_device
from pocketbench.profile.host_runner import HostRunner
from pocketbench.profile.runners import RUNNERS
from pocketbench.workflow.device_cells import check_every_file_is_measured, fit_cells, plan_devices
from pocketbench.workflow.device_survey import survey_devices
from pocketbench.workflow.profile_devices import profile_devices
from pocketbench.workflow.profile_models import make_run_key, profile_models
from tests.workflow.fake_runner import FakeRunner

ONE = DeviceEntry(name="one", transport="fake", address="one")
TWO = DeviceEntry(name="two", transport="fake", address="two")


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    entry = Entry(target="tests.workflow.fake_runner:FakeRunner", summary="a fake")
    host = RUNNERS.entry("host")
    monkeypatch.setattr(RUNNERS, "_own", {"host": host, "fake": entry})
    monkeypatch.setattr(FakeRunner, "absent", set())
    monkeypatch.setattr(FakeRunner, "dying", set())
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def make_file(name: str) -> tuple[Artifact, Path]:
    suffix = name.rpartition(".")[2]
    artifact = Artifact(
        spec=None,
        format={"mlpackage": "coreml"}.get(suffix, suffix),
        precision=None,
        file_name=name,
        sha256=f"{name:0<64}",
        size_bytes=1,
        parity=None,
        graph_facts=None,
        model_facts=None,
        tools={},
        cache_key=None,
    )
    return artifact, Path(name)


FILES = [make_file("a.tflite"), make_file("a.onnx")]
PLANS = [RunPlan(engine=engine, session_count=2) for engine in ("onnxruntime", "litert", "tflite_runtime")]


def test_a_device_gets_the_files_it_runs_and_says_why_not_the_others() -> None:
    (place,) = plan_devices([ONE], FILES, PLANS)
    (cell,) = place.cells  # litert and tflite_runtime are one engine there: one cell
    assert (cell.path, cell.plan.engine, cell.plan.core_mask) == (Path("a.tflite"), "litert", 0x70)
    assert [str(item) for item in place.left_out] == ["a.onnx: one runs .tflite files, not .onnx (export it to tflite)"]


def test_an_engine_that_was_not_named_is_found_on_each_device() -> None:
    host, one = plan_devices([HOST_ENTRY, ONE], FILES, [RunPlan(engine="")])
    assert [(cell.path.name, cell.plan.engine) for cell in host.cells] == [
        ("a.tflite", "litert"),
        ("a.onnx", "onnxruntime"),
    ]
    assert [cell.path.name for cell in one.cells] == ["a.tflite"]
    check_every_file_is_measured([host, one])
    with pytest.raises(UsageError, match=r"a\.onnx: one runs \.tflite files"):
        check_every_file_is_measured([one])


def test_a_device_with_nothing_to_do_is_an_error_before_anything_is_measured() -> None:
    with pytest.raises(UsageError, match=r"nothing can be measured on one: a\.onnx: one runs"):
        plan_devices([HOST_ENTRY, ONE], FILES[1:], PLANS)


def test_a_device_that_is_not_there_is_an_error_before_anything_is_measured() -> None:
    FakeRunner.absent = {"one"}
    with pytest.raises(DeviceFault, match="one is not attached"):
        plan_devices([TWO, ONE], FILES, PLANS)


def test_a_device_that_dies_costs_itself_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "results.sqlite"))
    seen: list[tuple[str, str]] = []
    FakeRunner.dying = {"one"}
    planned = plan_devices([ONE, TWO], FILES, PLANS)
    outcome = profile_devices(planned, store, on_progress=lambda name, progress: seen.append((name, progress.text)))
    assert {name: fault.what for name, fault in outcome.faults.items()} == {"one": "one vanished"}
    assert [result.device.name for part in outcome.outcomes for result in part.results] == ["one", "two", "two"]
    assert seen == [("one", "a.tflite"), ("two", "a.tflite"), ("two", "a.tflite")]
    assert store.count_results(device_id="fake-one") == 1
    FakeRunner.dying = set()
    again = profile_devices(plan_devices([ONE], FILES, PLANS), store, on_progress=lambda *_: None)
    assert [(part.resumed_count, len(part.results)) for part in again.outcomes] == [(1, 2)]
    assert store.count_results(device_id="fake-one") == 2


def test_one_run_is_not_continued_by_two_processes(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "results.sqlite"))
    (place,) = plan_devices([ONE], FILES, PLANS)
    key = make_run_key(place.cells, place.device)
    with (
        hold_device(f"run {key} in {store.place}", "one"),
        pytest.raises(DeviceFault, match="one is in use: process"),
    ):
        profile_models(place.cells, store, runner=place.runner, device=place.device)
    assert store.count_results() == 0


def test_what_another_process_measures_is_not_shown_as_ours(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "results.sqlite"))
    FakeRunner.dying = {"one"}
    planned = plan_devices([ONE], FILES, PLANS)
    profile_devices(planned, store, on_progress=lambda *_: None)
    with hold_device(f"run {make_run_key(planned[0].cells, planned[0].device)} in {store.place}", "one"):
        outcome = profile_devices(planned, store, on_progress=lambda *_: None)
    assert (list(outcome.faults), outcome.outcomes) == (["one"], [])


def test_a_cluster_of_the_host_becomes_a_mask() -> None:
    entry = DeviceEntry(name="host", transport="host", cores=1)
    runner = HostRunner(entry)
    cells, _ = fit_cells(FILES, PLANS[1:2], runner, runner.read_device())
    assert [cell.plan.core_mask for cell in cells] == [1]
    with pytest.raises(UsageError, match="2 threads are wanted on 1 core"):
        runner.fit_plan(RunPlan(engine="litert", thread_count=2), ".tflite", runner.read_device())


def test_a_survey_asks_what_is_described_and_finds_what_is_not() -> None:
    FakeRunner.absent = {"gone"}
    gone = DeviceEntry(name="gone", transport="fake", address="gone")
    found = survey_devices({"host": HOST_ENTRY, "one": ONE, "gone": gone})
    rows = [(item.name, item.attached.address, item.attached.state) for item in found]
    assert rows == [
        ("host", None, "device"),
        ("one", "one", "device"),
        ("gone", "gone", "unreachable"),
        (None, "two", "locked"),
    ]
    assert (found[2].attached.problem, found[2].attached.cure) == ("gone is not attached", "plug it in")
    assert (found[3].attached.problem, found[3].attached.cure) == ("two is locked", "unlock it")
