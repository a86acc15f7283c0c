"""Sessions on a machine that goes out of reach."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pocketbench.core.errors import DeviceFault
from pocketbench.core.records import RunResult
from pocketbench.profile.cell import Cell
from pocketbench.profile.machine import ConnectionLoss
from pocketbench.profile.progress import Progress
from tests.profile.conftest import make_cell
from tests.profile.test_session import FakeWorker, Fleet, make_cells, run_fakes


class LosingWorker(FakeWorker):
    """Loses the connection at its request of a number, as long as the fleet has losses left for its model."""

    def __init__(self, cell: Cell, fleet: LosingFleet) -> None:
        super().__init__(cell.artifact.file_name, fleet.log)
        self.cell = cell
        self.fleet = fleet

    def request(self, message: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        self.fleet.check(self.name, self.request_count + 1, self.cell)
        return super().request(message, timeout_s)


class LosingFleet(Fleet):
    """A machine that can be lost.

    Args:
        losses: for each model the request that loses the connection, and how often.
        away: how often the machine itself is out of reach when it is to get ready.
    """

    def __init__(self, losses: dict[str, tuple[int, int]] | None = None, away: int = 0) -> None:
        super().__init__()
        self.losses = losses or {}
        self.lost: Counter[str] = Counter()
        self.away = away
        self.reconnects = 0
        self.gone = False

    def check(self, name: str, request_number: int, cell: Cell) -> None:
        at, count = self.losses.get(name, (0, 0))
        if request_number == at and self.lost[name] < count:
            self.lost[name] += 1
            self.gone = True
            raise ConnectionLoss(f"{name} lost it", cell)
        assert not self.gone, "asked again without a new connection"

    def get_ready(self, _say: Any) -> None:
        if self.away:
            self.away -= 1
            raise ConnectionLoss("the board is away")

    def start_worker(self, cell: Cell) -> FakeWorker:
        self.check(cell.artifact.file_name, 0, cell)
        self.workers.append(LosingWorker(cell, self))
        return self.workers[-1]

    def reconnect(self, say: Any) -> None:
        say("connects again")
        assert all(worker.ended for worker in self.workers)
        self.gone = False
        self.reconnects += 1


def show(results: list[RunResult]) -> list[tuple[str, int, str]]:
    return [
        (item.artifact.file_name, item.session_index, item.failure.kind if item.failure else "measured")
        for item in results
    ]


@pytest.mark.parametrize("at", [1, 2, 3, 4, 6, 8])
def test_a_loss_voids_the_session_and_no_finished_one(at: int) -> None:
    """Requests 1 to 3 load and warm up, 4 to 7 are the rounds, 8 asks for the memory."""
    fleet = LosingFleet({"b": (at, 1)})
    kept: list[RunResult] = []
    results = run_fakes(fleet, make_cells("a", "b", round_count=4, session_count=2), on_result=kept.append)
    assert results == kept
    assert show(results) == [(name, index, "measured") for index in range(2) for name in "ab"]
    assert all(len(result.measurement.wall_ns) == 12 for result in results if result.measurement)
    assert fleet.reconnects == 1
    # b alone is done again where a was finished already
    assert [worker.name for worker in fleet.workers] == list("abbab" if at == 8 else "ababab")


def test_one_that_is_lost_each_time_fails_and_the_others_do_not() -> None:
    fleet = LosingFleet({"b": (4, 99)})
    results = run_fakes(fleet, make_cells("a", "b", "c", session_count=2))
    assert show(results) == [
        ("b", 0, "connection"),
        ("a", 0, "measured"),
        ("c", 0, "measured"),
        ("a", 1, "measured"),
        ("c", 1, "measured"),
    ]
    assert fleet.reconnects == 3
    failure = results[0].failure
    assert failure is not None
    assert failure.message == "the connection was lost 3 times in session 1: b lost it"


def test_losses_of_different_models_are_the_networks() -> None:
    fleet = LosingFleet({"a": (4, 2), "b": (5, 2), "c": (6, 2)})
    assert show(run_fakes(fleet, make_cells("a", "b", "c"))) == [(name, 0, "measured") for name in "abc"]
    assert fleet.reconnects == 6


def test_a_machine_that_is_lost_without_a_model_ends_the_run_in_the_end() -> None:
    assert show(run_fakes(LosingFleet(away=2), make_cells("a"))) == [("a", 0, "measured")]
    with pytest.raises(DeviceFault, match="lost 3 times in session 1: the board is away"):
        run_fakes(LosingFleet(away=3), make_cells("a"))


def test_a_failure_of_before_the_loss_is_kept_and_not_repeated() -> None:
    class HalfBroken(LosingFleet):
        def start_worker(self, cell: Cell) -> FakeWorker:
            worker = super().start_worker(cell)
            worker.fault_at = 1 if worker.name == "a" else None
            return worker

    fleet = HalfBroken({"b": (4, 1)})
    assert show(run_fakes(fleet, make_cells("a", "b"))) == [("a", 0, "crash"), ("b", 0, "measured")]
    assert [worker.name for worker in fleet.workers] == ["a", "b", "b"]


def test_progress_goes_back_and_still_reaches_its_total() -> None:
    steps: list[Progress] = []
    run_fakes(LosingFleet({"b": (6, 1)}), make_cells("a", "b", round_count=4), on_progress=steps.append)
    assert {step.total_count for step in steps} == {10}
    assert steps[-1].done_count == 9
    counts = [step.done_count for step in steps]
    assert counts != sorted(counts)
    texts = [step.text for step in steps]
    assert texts.index("session 1: b lost it") + 1 == texts.index("connects again")


def test_a_machine_that_does_not_get_ready_ends_the_run() -> None:
    class Hot(Fleet):
        def get_ready(self, say: Any) -> None:
            say("cools down")
            raise DeviceFault("too hot", "cool it")

    with pytest.raises(DeviceFault, match="too hot"):
        run_fakes(Hot(), [make_cell(Path("a"), "onnxruntime")])
