"""Arenas with real workers: those of a runtime, and scripts that speak the protocol and write down what they hear."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pocketbench.profile.duel.arena import (
    BASE,
    BASE_AGAIN,
    HEAD,
    HUGE_PAGES,
    TUNABLES,
    Arena,
    DuelPlan,
    LockstepArena,
    SharedArena,
    choose_environment,
)
from pocketbench.profile.duel.duel import pair_log_ratios, run_pair
from pocketbench.profile.duel.life import list_order
from pocketbench.profile.worker import WorkerFault
from tests.profile.onnx_files import write_conv, write_relu

AGENT = [sys.executable, "-m", "pocketbench.profile.agent.agent"]
PLAN = DuelPlan(engine="onnxruntime", timeout_s=60.0)
SIDES = (BASE, HEAD)

RECORDER = """
import json, os, sys
log, own = sys.argv[1], sys.argv[2]
for line in sys.stdin:
    request = json.loads(line)
    with open(log, "a") as stream:
        entry = {"worker": own, "process": os.getpid(), "tunables": os.environ.get("GLIBC_TUNABLES"), **request}
        stream.write(json.dumps(entry) + "\\n")
    count = len(request["order"]) if request["do"] == "life" else request.get("count", 0)
    print(json.dumps({"data": {"wall_ns": [5] * count, "cpu_ns": [int(own)] * count}}), flush=True)
"""


class Recorder:
    """Workers that write down each request, in `heard`."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "heard"

    def command(self, own: int) -> list[str]:
        return [sys.executable, "-S", "-c", RECORDER, str(self._log), str(own)]

    @property
    def heard(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.read_text().splitlines()]


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path)


@pytest.fixture
def arenas() -> Iterator[list[Arena]]:
    """Whatever a test opens ends with it."""
    opened: list[Arena] = []
    yield opened
    for arena in opened:
        arena.kill()


def exists(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_real_slower_model_is_seen_in_one_process(tmp_path: Path, arenas: list[Arena]) -> None:
    base, head = write_conv(tmp_path / "base.onnx", side=16), write_conv(tmp_path / "head.onnx", side=48)
    arenas.append(SharedArena(AGENT, base, head, PLAN))
    lives = run_pair(arenas[0], PLAN, SIDES, 0)
    assert [len(life.cpu_ns) for life in lives] == [len(life.wall_ns) for life in lives] == [24, 24]
    assert all(life.log_ratio("thread") > 0 for life in lives)  # 9 times the work
    assert pair_log_ratios(lives, "wall")[0] > 0


def test_a_real_slower_model_is_seen_by_processes_in_lockstep(tmp_path: Path, arenas: list[Arena]) -> None:
    base, head = write_conv(tmp_path / "base.onnx", side=16), write_conv(tmp_path / "head.onnx", side=96)
    arenas.append(LockstepArena({BASE: AGENT, HEAD: AGENT}, base, head, PLAN))
    lives = run_pair(arenas[0], PLAN, SIDES, 0)
    assert [len(life.cpu_ns) for life in lives] == [24, 24]
    assert all(life.log_ratio("thread") > 0 for life in lives)  # 36 times the work


def test_a_file_that_goes_away_between_lives_is_a_fault(tmp_path: Path, arenas: list[Arena]) -> None:
    base, head = write_relu(tmp_path / "base.onnx"), write_relu(tmp_path / "head.onnx")
    arenas.append(SharedArena(AGENT, base, head, PLAN))
    run_pair(arenas[0], PLAN, SIDES, 0)
    head.unlink()
    with pytest.raises(WorkerFault) as caught:
        run_pair(arenas[0], PLAN, SIDES, 1)
    assert caught.value.failure.kind == "load"
    assert "head.onnx: there is no such file" in caught.value.failure.message


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize(
    ("engine", "kind", "message"),
    [("raises", "run", "no kernel for this operator"), ("abort", "crash", "heap is corrupt")],
)
def test_a_runtime_that_fails_is_a_fault(
    fake_model: Path, arenas: list[Arena], engine: str, kind: str, message: str
) -> None:
    plan = DuelPlan(engine=engine, timeout_s=60.0)
    arenas.append(SharedArena(AGENT, fake_model, fake_model, plan))
    with pytest.raises(WorkerFault) as caught:
        run_pair(arenas[0], plan, SIDES, 0)
    assert caught.value.failure.kind == kind
    assert message in caught.value.failure.message


def test_one_process_is_told_who_fights_and_in_which_order(
    recorder: Recorder, arenas: list[Arena], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a worker may stand elsewhere: paths are whole
    plan = DuelPlan(engine="onnxruntime", core_mask=2, shapes={"x": (1, 3, 8, 8)})
    arenas.append(SharedArena(recorder.command(7), Path("base.onnx"), Path("head.onnx"), plan))
    order = list_order(3, 1)
    assert arenas[0].run_life((HEAD, BASE), order, 1) == ([5] * 24, [7] * 24)
    arenas[0].run_life((BASE, BASE_AGAIN), order, 2)
    first, second = recorder.heard
    assert first["paths"] == [str(tmp_path / "head.onnx"), str(tmp_path / "base.onnx")]
    assert second["paths"] == [str(tmp_path / "base.onnx")] * 2
    assert first["order"] == order
    assert (first["do"], first["core_mask"], first["thread_count"]) == ("life", 2, 1)
    assert first["shapes"] == {"x": [1, 3, 8, 8]}
    assert first["process"] == second["process"]


class TestLockstep:
    def open(self, recorder: Recorder, arenas: list[Arena], **options: Any) -> Arena:
        plan = DuelPlan(engine="onnxruntime", **options)
        commands = {fighter: recorder.command(fighter) for fighter in (BASE, HEAD, BASE_AGAIN)}
        arenas.append(LockstepArena(commands, Path("/base.onnx"), Path("/head.onnx"), plan))
        return arenas[-1]

    def test_each_fighter_has_its_own_process_and_they_are_called_in_turn(
        self, recorder: Recorder, arenas: list[Arena]
    ) -> None:
        arena = self.open(recorder, arenas)
        wall_ns, cpu_ns = arena.run_life((HEAD, BASE_AGAIN), [0, 1, 1, 0], 0)
        assert (wall_ns, cpu_ns) == ([5] * 4, [HEAD, BASE_AGAIN, BASE_AGAIN, HEAD])
        heard = recorder.heard
        assert [(int(entry["worker"]), entry["do"]) for entry in heard] == [
            *((HEAD, "load"), (BASE_AGAIN, "load"), (HEAD, "burst"), (BASE_AGAIN, "burst")),
            *((HEAD, "burst"), (BASE_AGAIN, "burst"), (BASE_AGAIN, "burst"), (HEAD, "burst")),
        ]
        assert [entry.get("path") for entry in heard[:2]] == ["/head.onnx", "/base.onnx"]
        assert [entry["count"] for entry in heard[4:]] == [1] * 4
        assert len({entry["process"] for entry in heard}) == 2

    def list_masks(self, recorder: Recorder, arena: Arena) -> list[int | None]:
        for turn in range(3):
            arena.run_life(SIDES, [0, 1], turn)
        return [entry["core_mask"] for entry in recorder.heard if entry["do"] == "load"]

    def test_one_thread_has_both_on_one_core_and_the_next_in_the_next_turn(
        self, recorder: Recorder, arenas: list[Arena], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {1, 5}, raising=False)
        assert self.list_masks(recorder, self.open(recorder, arenas)) == [2, 2, 32, 32, 2, 2]

    @pytest.mark.parametrize("options", [{"core_mask": 4}, {"thread_count": 2, "core_mask": 4}])
    def test_cores_that_were_asked_for_stay(
        self, recorder: Recorder, arenas: list[Arena], options: dict[str, int]
    ) -> None:
        assert self.list_masks(recorder, self.open(recorder, arenas, **options)) == [4] * 6

    def test_several_threads_may_run_anywhere(self, recorder: Recorder, arenas: list[Arena]) -> None:
        assert self.list_masks(recorder, self.open(recorder, arenas, thread_count=2)) == [None] * 6

    def test_a_worker_that_does_not_start_takes_the_others_with_it(
        self, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from pocketbench.profile.duel import arena as module

        started: list[Any] = []
        real = module.Worker
        monkeypatch.setattr(module, "Worker", lambda *args: started.append(real(*args)) or started[-1])
        commands = {BASE: recorder.command(0), HEAD: ["/no/such/python"]}
        with pytest.raises(WorkerFault, match="can't run /no/such/python"):
            LockstepArena(commands, Path("/base.onnx"), Path("/head.onnx"), PLAN)
        assert len(started) == 1
        assert not exists(started[0].process_id)

    def test_kill_leaves_no_process(self, recorder: Recorder, arenas: list[Arena]) -> None:
        arena = self.open(recorder, arenas)
        arena.run_life(SIDES, [0, 1], 0)
        arena.run_life((BASE, BASE_AGAIN), [0, 1], 0)
        processes = {entry["process"] for entry in recorder.heard}
        assert len(processes) == 3
        assert all(map(exists, processes))
        arena.kill()
        assert not any(map(exists, processes))


def test_a_worker_that_is_killed_is_a_crash(recorder: Recorder, arenas: list[Arena]) -> None:
    arenas.append(SharedArena(recorder.command(0), Path("/base.onnx"), Path("/head.onnx"), PLAN))
    arenas[0].run_life(SIDES, [0, 1], 0)
    process = recorder.heard[0]["process"]
    os.kill(process, signal.SIGKILL)
    with pytest.raises(WorkerFault) as caught:
        arenas[0].run_life(SIDES, [0, 1], 0)
    assert caught.value.failure.kind == "crash"
    assert "SIGKILL" in caught.value.failure.message
    assert not exists(process)


def test_kill_leaves_no_process(recorder: Recorder, arenas: list[Arena]) -> None:
    arenas.append(SharedArena(recorder.command(0), Path("/base.onnx"), Path("/head.onnx"), PLAN))
    arenas[0].run_life(SIDES, [0, 1], 0)
    process = recorder.heard[0]["process"]
    assert exists(process)
    arenas[0].kill()
    assert not exists(process)


@pytest.mark.parametrize(
    ("own", "expected"), [(None, HUGE_PAGES), ("", HUGE_PAGES), ("glibc.malloc.check=1", "glibc.malloc.check=1")]
)
@pytest.mark.parametrize("lockstep", [False, True])
def test_workers_have_huge_pages_unless_the_user_has_tunables(
    recorder: Recorder,
    arenas: list[Arena],
    monkeypatch: pytest.MonkeyPatch,
    own: str | None,
    expected: str,
    lockstep: bool,
) -> None:
    monkeypatch.delenv(TUNABLES, raising=False)
    if own is not None:
        monkeypatch.setenv(TUNABLES, own)
    files = Path("/base.onnx"), Path("/head.onnx")
    command = recorder.command(0)
    arenas.append(
        LockstepArena({BASE: command, HEAD: command}, *files, PLAN) if lockstep else SharedArena(command, *files, PLAN)
    )
    arenas[0].run_life(SIDES, [0, 1], 0)
    assert {entry["tunables"] for entry in recorder.heard} == {expected}


def test_other_variables_are_left_alone() -> None:
    assert choose_environment({"PATH": "/bin"}) == {TUNABLES: HUGE_PAGES}
    assert choose_environment({TUNABLES: "glibc.malloc.check=1"}) == {}
