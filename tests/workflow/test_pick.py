"""A pick from a real store: the suite, its results, its accuracies, and the device's name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from pocketbench.core.errors import EnvironmentFault, FileFault, UnknownNameError
from pocketbench.core.store import Store
from pocketbench.profile.host_runner import HostRunner
from pocketbench.reports.measured_choice import MixedDataError
from pocketbench.reports.pick_records import Pick
from pocketbench.workflow import report_suite
from pocketbench.workflow.device_cells import fit_cells
from pocketbench.workflow.pick import pick_from_suite
from pocketbench.workflow.profile_models import make_run_key
from pocketbench.workflow.suites import read_suite
from tests.reports.pick_samples import File, make_file, measure, tell_fates
from tests.reports.synthetic import make_sessions
from tests.workflow.fake_runner import make_device

SUITE = """format = 1
title = "Two files"
formats = ["tflite"]
engines = ["litert"]
[[model]]
backbone = "mobilenet_v2"
"""
BASE, CA = (make_file(File(block, None, None)) for block in (None, "ca"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(str(tmp_path / "results.sqlite"))
    store.append(measure(0.91, BASE), measure(0.94, CA), measure(0.99, BASE, artifact_sha256="f" * 64))
    return store


@pytest.fixture
def pick(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Pick]:
    """What is picked from two files, which nobody has to export."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POCKETBENCH_DEVICES", str(tmp_path / "devices.toml"))
    (tmp_path / "devices.toml").write_text(
        'format = 1\n[[device]]\nname = "pixel"\ntransport = "adb"\nserial = "1"\n'
        '[[device]]\nname = "board"\ntransport = "ssh"\nhost = "board"\n'
    )
    (tmp_path / "two.toml").write_text(SUITE)
    monkeypatch.setattr(report_suite, "find_suite_artifacts", lambda *_: ([BASE, CA], []))
    return lambda budget_ms, **given: (
        pick_from_suite("two.toml", Path(), store, **{"device": "host", "budget_ms": budget_ms} | given).pick
    )


def run_on_host(store: Store) -> None:
    suite = read_suite("two.toml")
    host = HostRunner().read_device()
    files = [(artifact, Path(artifact.file_name)) for artifact in (BASE, CA)]
    cells, _ = fit_cells(files, suite.list_plans(), HostRunner(), host)
    run_id = store.begin_run(make_run_key(cells, host), 6)
    for artifact, ms in ((BASE, 4.0), (CA, 5.0)):
        store.append(*make_sessions(artifact, ms, device=host, run_id=run_id))


def run_on_phone(store: Store) -> None:
    for artifact, ms in ((BASE, 8.0), (CA, 10.0)):
        store.append(*make_sessions(artifact, ms, device=make_device("pixel"), run_id="phone"))


def test_a_pick_for_this_machine_and_for_a_phone(pick, store) -> None:
    run_on_host(store)
    run_on_phone(store)
    found = pick(6)
    assert (found.device, found.chosen.sha256) == ("host", CA.sha256)
    assert pick(4.5).chosen.sha256 == BASE.sha256
    for name in ("pixel", "fake-pixel"):
        found = pick(9, device=name)
        assert (found.device, found.chosen.sha256) == (name, BASE.sha256)
        assert tell_fates(found) == {CA.file_name: "too_slow"}


def test_a_device_that_nothing_was_measured_on_and_one_that_nobody_knows(pick, store) -> None:
    with pytest.raises(EnvironmentFault, match=r"measured on host \(pocketbench profile --suite two\.toml\)"):
        pick(6)
    run_on_phone(store)
    with pytest.raises(EnvironmentFault, match=r"measured on board \(pocketbench profile --suite two\.toml --on board"):
        pick(6, device="board")
    with pytest.raises(UnknownNameError, match="did you mean 'pixel'") as raised:
        pick(6, device="pixle")
    assert "board, host, pixel" in raised.value.cure


def test_an_import_that_is_called_host_is_not_this_machine(pick, store) -> None:
    device = dataclasses.replace(make_device("host"), device_id="imported-1")
    store.append(*make_sessions(BASE, 1.0, device=device, run_id="import"))
    with pytest.raises(EnvironmentFault, match="measured on host"):
        pick(6)


def test_two_data_sets_are_refused_until_one_is_chosen(pick, store) -> None:
    run_on_phone(store)
    store.append(measure(0.5, CA, dataset="CIFAR-10"))
    with pytest.raises(MixedDataError, match="--data CIFAR-10 or --data Fashion-MNIST"):
        pick(20, device="pixel")
    assert pick(20, device="pixel", dataset="Fashion-MNIST").chosen.sha256 == CA.sha256
    assert tell_fates(pick(20, device="pixel", dataset="CIFAR-10")) == {BASE.file_name: "no_accuracy"}


def test_another_data_set_than_asked_for_is_no_answer(pick, store, monkeypatch) -> None:
    run_on_phone(store)
    with pytest.raises(UnknownNameError, match="no measured top-1 of these files on 'FashionMNIST'") as raised:
        pick(20, device="pixel", dataset="FashionMNIST")
    assert "did you mean 'Fashion-MNIST'" in raised.value.cure
    monkeypatch.setattr(store, "read_accuracies", lambda _: [])
    with pytest.raises(EnvironmentFault, match="no top-1 of these files was measured on 'Fashion-MNIST'"):
        pick(20, device="pixel", dataset="Fashion-MNIST")
    found = pick(20, device="pixel", dataset="ImageNet-1k")
    assert (found.basis.origin, found.basis.dataset) == ("published", "ImageNet-1k")


def test_files_that_are_not_current_are_no_choice(pick, monkeypatch) -> None:
    monkeypatch.setattr(report_suite, "find_suite_artifacts", lambda *_: ([], []))
    with pytest.raises(FileFault, match="no file of suite"):
        pick(6)
