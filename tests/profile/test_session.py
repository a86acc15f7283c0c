"""The order of a session with fake workers at the seam, and what failing engines cost with real ones."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pocketbench.core.errors import FileFault, UsageError
from pocketbench.core.records import Conditions, Failure, RunResult
from pocketbench.profile.cell import Cell
from pocketbench.profile.conditions import read_conditions
from pocketbench.profile.progress import Progress
from pocketbench.profile.session import profile_cells, read_git_commit
from pocketbench.profile.worker import WorkerFault
from tests.profile.conftest import DEVICE, make_cell, run_cells
from tests.profile.test_worker import wait_until_gone


class FakeWorker:
    """Answers at once and notes what it was asked; `fault_at` is the number of the request that fails."""

    def __init__(self, name: str, log: list[tuple[str, str]], fault_at: int | None = None) -> None:
        self.name = name
        self.log = log
        self.fault_at = fault_at
        self.request_count = 0
        self.ended = False

    def request(self, message: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        assert not self.ended
        assert timeout_s == 60.0
        self.request_count += 1
        if self.request_count == self.fault_at:
            raise WorkerFault("crash", f"{self.name} crashed")
        self.log.append((self.name, message["do"]))
        if message["do"] == "load":
            return {
                "load_ns": 5,
                "idle_rss_bytes": 6,
                "cpu_clock": "thread",
                "clock_resolution_ns": 1,
                "tools": {"fake": self.name},
                "assumed_batch": [],
            }
        if message["do"] == "finish":
            return {"peak_rss_bytes": 7}
        samples = [1000 * self.request_count + index for index in range(message["count"])]
        return {"wall_ns": samples, "cpu_ns": [sample - 1 for sample in samples]}

    def close(self) -> None:
        self.log.append((self.name, "close"))
        self.ended = True

    def kill(self) -> None:
        self.ended = True


class Fleet:
    """A machine that starts fake workers for cells and keeps them."""

    is_virtual = None

    def __init__(self, **faults: int) -> None:
        self.faults = faults
        self.log: list[tuple[str, str]] = []
        self.workers: list[FakeWorker] = []

    def get_ready(self, _say: Any) -> None:
        pass

    def read_conditions(self) -> Conditions:
        return read_conditions()

    def start_worker(self, cell: Cell) -> FakeWorker:
        name = cell.artifact.file_name
        self.workers.append(FakeWorker(name, self.log, self.faults.get(name)))
        return self.workers[-1]


def make_cells(*names: str, **plan: Any) -> list[Cell]:
    return [make_cell(Path(name), "onnxruntime", **plan) for name in names]


def run_fakes(fleet: Fleet, cells: list[Cell], **options: Any) -> list[RunResult]:
    results = run_cells(*cells, machine=fleet, **options)
    assert all(worker.ended for worker in fleet.workers)
    return results


def test_cells_run_burst_by_burst_in_turn_and_none_always_follows_the_same_other() -> None:
    fleet = Fleet()
    run_fakes(fleet, make_cells("a", "b", "c", "d", round_count=4))
    prepared = [(name, do) for name in "abcd" for do in ("load", "burst", "burst")]
    assert fleet.log[:12] == prepared
    rounds = [[name for name, _ in fleet.log[start : start + 4]] for start in range(12, 28, 4)]
    assert all(sorted(names) == list("abcd") for names in rounds)
    followed = [pair for names in rounds for pair in pairwise(names)]
    assert len(set(followed)) == len(followed) == 12
    assert fleet.log[28:] == [(name, do) for name in "abcd" for do in ("finish", "close")]


def test_every_sample_is_kept_in_order_with_its_plan() -> None:
    cell = make_cells("a", round_count=2, burst_count=3, warmup_count=2)[0]
    (result,) = run_fakes(Fleet(), [cell])
    measurement = result.measurement
    assert measurement is not None
    assert measurement.first_ns == 2000
    assert measurement.warmup_wall_ns == (3000, 3001)
    assert measurement.wall_ns == (4000, 4001, 4002, 5000, 5001, 5002)
    assert measurement.cpu_ns == (3999, 4000, 4001, 4999, 5000, 5001)
    assert (measurement.burst_count, measurement.settle_count) == (3, 1)
    assert (measurement.load_ns, measurement.idle_rss_bytes, measurement.peak_rss_bytes) == (5, 6, 7)
    assert (result.run_id, result.session_index, result.failure) == ("run", 0, None)
    assert result.artifact is cell.artifact
    assert result.plan is cell.plan
    assert result.device is DEVICE
    assert result.tools == {"fake": "a"}
    assert result.conditions_before.taken_at <= result.conditions_after.taken_at


def test_each_session_has_fresh_workers_and_hands_over_its_results_when_it_ends() -> None:
    fleet = Fleet()
    handed: list[tuple[int, int]] = []
    results = run_fakes(
        fleet,
        make_cells("a", "b", session_count=3),
        on_result=lambda result: handed.append((result.session_index, len(fleet.workers))),
    )
    assert handed == [(0, 2), (0, 2), (1, 4), (1, 4), (2, 6), (2, 6)]
    assert [(result.artifact.file_name, result.session_index) for result in results] == [
        (name, index) for index in range(3) for name in "ab"
    ]


@pytest.mark.parametrize(("fault_at", "log_length"), [(1, 0), (2, 1), (3, 2), (4, 3), (6, 5), (8, 7)])
def test_a_failure_costs_one_cell_whenever_it_comes(fault_at: int, log_length: int) -> None:
    """Requests 1 to 3 load and warm up, 4 to 7 are the rounds, 8 asks for the memory."""
    fleet = Fleet(b=fault_at)
    results = run_fakes(fleet, make_cells("a", "b", "c", round_count=4, session_count=2))
    failures = [result for result in results if result.failure]
    assert [(result.artifact.file_name, result.session_index) for result in failures] == [("b", 0)]
    assert failures[0].failure == Failure(kind="crash", message="b crashed")
    assert failures[0].measurement is None
    measured = [(result.artifact.file_name, result.session_index) for result in results if result.measurement]
    assert measured == [("a", 0), ("c", 0), ("a", 1), ("c", 1)]
    assert all(len(result.measurement.wall_ns) == 12 for result in results if result.measurement)
    assert len([entry for entry in fleet.log if entry[0] == "b"]) == log_length


def test_a_failure_is_handed_over_at_once() -> None:
    fleet = Fleet(a=1)
    log_lengths: list[int] = []
    run_fakes(fleet, make_cells("a", "b"), on_result=lambda _: log_lengths.append(len(fleet.log)))
    assert log_lengths[0] == 0


def test_what_is_done_is_not_done_again() -> None:
    fleet = Fleet()
    done = {(0, 0), (1, 0), (0, 1)}
    results = run_fakes(fleet, make_cells("a", "b", session_count=2), done=done)
    assert [(result.artifact.file_name, result.session_index) for result in results] == [("b", 1)]
    assert run_fakes(fleet, make_cells("a"), done={(0, 0)}) == []


def test_plans_may_differ_in_length() -> None:
    cells = make_cells("a", round_count=1, session_count=2) + make_cells("b", round_count=3)
    results = run_fakes(Fleet(), cells)
    lengths = [(result.artifact.file_name, len(result.measurement.wall_ns)) for result in results if result.measurement]
    assert lengths == [("a", 3), ("b", 9), ("a", 3)]


def test_progress_reaches_its_total_also_when_a_cell_fails() -> None:
    for fleet in (Fleet(), Fleet(a=5)):
        steps: list[Progress] = []
        run_fakes(fleet, make_cells("a", "b", session_count=2, round_count=4), on_progress=steps.append)
        counts = [step.done_count for step in steps]
        assert counts == sorted(counts)
        assert {step.total_count for step in steps} == {20}
        assert (counts[0], counts[-1]) == (0, 19)
        assert steps[0].text == "session 1: a loads on onnxruntime"
        assert "session 2, round 4" in steps[-1].text


def test_workers_end_when_the_caller_fails() -> None:
    for trouble in ("on_result", "on_progress"):
        fleet = Fleet()

        def stop(_: object) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run_cells(*make_cells("a", "b"), machine=fleet, **{trouble: stop})
        assert all(worker.ended for worker in fleet.workers)


def test_a_pause_stands_between_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("pocketbench.profile.session.time", SimpleNamespace(sleep=pauses.append))
    run_fakes(Fleet(), make_cells("a", session_count=3, cooldown_s=7.0) + make_cells("b", cooldown_s=1.0))
    assert pauses == [7.0, 7.0]


def test_a_senseless_plan_is_refused_before_anything_runs() -> None:
    fleet = Fleet()
    with pytest.raises(UsageError, match="burst_count"):
        run_cells(*make_cells("a"), *make_cells("b", burst_count=0), machine=fleet)
    assert fleet.workers == []


def test_an_interpreter_that_is_not_there_is_refused_before_anything_runs(fake_model: Path) -> None:
    with pytest.raises(FileFault, match="/nowhere/python is no Python"):
        run_cells(make_cell(fake_model, "onnxruntime"), pythons={"onnxruntime": Path("/nowhere/python")})


def test_no_cells_have_no_results() -> None:
    assert run_cells() == []


@pytest.mark.usefixtures("plugin")
def test_engines_that_crash_hang_or_are_not_installed_cost_one_cell_each(fake_model: Path) -> None:
    broken = {
        "abort": ("crash", "died of SIGABRT; it last said: heap is corrupt"),
        "abort_in_second_round": ("crash", "died of SIGABRT"),
        "exit": ("crash", "ended with exit status 7"),
        "raises": ("run", "RuntimeError: no kernel for this operator"),
        "missing_package": ("missing_package", "No module named 'a_runtime_that_nobody_installed'"),
    }
    cells = [make_cell(fake_model, engine) for engine in ["no_operation", *broken, "chatty"]]
    results = {result.plan.engine: result for result in run_cells(*cells)}
    for engine, (kind, message) in broken.items():
        failure = results[engine].failure
        assert failure is not None
        assert failure.kind == kind
        assert message in failure.message
    for engine in ("no_operation", "chatty"):
        assert results[engine].failure is None
        assert len(results[engine].measurement.wall_ns) == 6
        assert results[engine].tools["bench-plugin"] == "1.0"


@pytest.mark.usefixtures("plugin")
def test_a_hang_ends_with_its_time_and_leaves_no_process(fake_model: Path) -> None:
    hanging, good = run_cells(
        make_cell(fake_model, "hang", timeout_s=2.0), make_cell(fake_model, "no_operation", session_count=1)
    )
    assert hanging.failure is not None
    assert hanging.failure.kind == "timeout"
    assert good.measurement is not None
    processes = [int(word) for word in fake_model.with_name("processes").read_text().split()]
    assert len(processes) == 2
    assert all(wait_until_gone(process_id) for process_id in processes)


def test_a_runtime_without_its_environment_is_a_missing_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POCKETBENCH_TFLITE_RUNTIME_PYTHON", raising=False)
    (result,) = profile_cells(
        [make_cell(tmp_path / "m.tflite", "tflite_runtime")], run_id="run", device=DEVICE, on_result=lambda _: None
    )
    assert result.failure is not None
    assert result.failure.kind == "missing_package"
    assert "make setup-tflite-runtime" in result.failure.message


def test_the_commit_is_that_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert read_git_commit() is None
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run([*git, "init", "-q"], check=True)
    assert read_git_commit() is None
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    commit = read_git_commit()
    assert commit is not None
    assert len(commit) == 40
    monkeypatch.setenv("PATH", str(tmp_path))
    assert read_git_commit() is None
