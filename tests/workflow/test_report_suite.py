"""Which results a suite's report shows: the newest run on each device, and all that was imported."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pocketbench.core.records import Device, RunResult
from pocketbench.core.store import Store
from pocketbench.profile.cell import Cell
from pocketbench.profile.host_runner import HostRunner
from pocketbench.workflow.device_cells import fit_cells
from pocketbench.workflow.profile_models import make_run_key
from pocketbench.workflow.report_suite import read_newest_runs
from pocketbench.workflow.suites import Suite, read_suite
from tests.workflow.fake_runner import make_device, make_result
from tests.workflow.test_profile_devices import make_file

SUITE = """format = 1
title = "One file"
formats = ["tflite"]
engines = ["litert"]
[plan]
sessions = 1
[[model]]
backbone = "mobilenet_v2"
"""
ARTIFACT, PATH = make_file("a.tflite")


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    (tmp_path / "one.toml").write_text(SUITE)
    return read_suite(str(tmp_path / "one.toml"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "results.sqlite"))


def read(suite: Suite, store: Store) -> list[tuple[str, str]]:
    results = read_newest_runs(suite, [ARTIFACT], Path(), store)
    return [(result.device.device_id, result.run_id) for result in results]


def add(store: Store, suite: Suite, device: Device, run_id: str, sha256: str = ARTIFACT.sha256) -> RunResult:
    artifact = dataclasses.replace(ARTIFACT, sha256=sha256)
    result = make_result(Cell(artifact=artifact, path=PATH, plan=suite.list_plans()[0]), run_id, 0, device)
    store.append(result)
    return result


def test_the_newest_run_of_each_device(suite: Suite, store: Store) -> None:
    host = HostRunner().read_device()
    cells, _ = fit_cells([(ARTIFACT, PATH)], suite.list_plans(), HostRunner(), host)
    run_id = store.begin_run(make_run_key(cells, host), 1)
    phone, board = make_device("phone"), make_device("board")
    add(store, suite, phone, "phone-old")
    add(store, suite, board, "board")
    add(store, suite, host, run_id)
    add(store, suite, phone, "phone-new")
    add(store, suite, host, "another plan's, and so not the suite's")
    add(store, suite, make_device("other"), "of another file", sha256="f" * 64)
    assert read(suite, store) == [(host.device_id, run_id), ("fake-phone", "phone-new"), ("fake-board", "board")]


def test_of_a_run_only_the_suites_files(suite: Suite, store: Store) -> None:
    add(store, suite, make_device("phone"), "run", sha256="f" * 64)
    add(store, suite, make_device("phone"), "run")
    assert read(suite, store) == [("fake-phone", "run")]


def test_every_import_is_shown(suite: Suite, store: Store) -> None:
    device = dataclasses.replace(make_device("s24"), device_id="imported-s24")
    add(store, suite, device, "import-1")
    add(store, suite, device, "import-2")
    assert sorted(run_id for _, run_id in read(suite, store)) == ["import-1", "import-2"]


def test_nothing_was_measured(suite: Suite, store: Store) -> None:
    assert read(suite, store) == []
