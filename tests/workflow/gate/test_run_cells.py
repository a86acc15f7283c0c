"""Cells of a request: which there are, what looking at their sides says, and what is concluded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pocketbench.core.records import TensorFacts
from pocketbench.profile.duel.arena import BASE, BASE_AGAIN, HEAD, DuelPlan
from pocketbench.profile.duel.side import SideFacts
from pocketbench.profile.worker import WorkerFault
from pocketbench.workflow.gate import inspection
from pocketbench.workflow.gate.conclusion import conclude_run
from pocketbench.workflow.gate.inspection import Inspection, find_difference, inspect_cell
from pocketbench.workflow.gate.limits import CellLimits, GateTable, Limits
from pocketbench.workflow.gate.request import GateRequest
from pocketbench.workflow.gate.run_cells import RunCell, list_run_cells
from pocketbench.workflow.gate.timing import Timing
from pocketbench.workflow.gate.workers import Workers
from tests.workflow.gate.artifacts import make_facts
from tests.workflow.gate.requests import LITERT, make_file, make_request, make_side

OTHER_PYTHON = Path("/other/python")


class Sides:
    """Stands in for `inspect_side`: what each path answers, and what was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **answers: SideFacts | WorkerFault) -> None:
        self.answers = answers
        self.asked: list[tuple[str, int]] = []
        monkeypatch.setattr(inspection, "inspect_side", self._inspect)

    def _inspect(self, _command: Any, path: Path, _plan: DuelPlan, load_count: int) -> SideFacts:
        side = path.parent.name
        self.asked.append((side, load_count))
        answer = self.answers.get(side, make_side())
        if isinstance(answer, WorkerFault):
            raise answer
        return answer


def only_cell(request: GateRequest) -> RunCell:
    (cell,) = list_run_cells(request)
    return cell


def changed(**options: Any) -> GateRequest:
    return make_request([make_file("net.tflite", "1")], [make_file("net.tflite", "2")], **options)


def workers(base_python: Path | None = None) -> Workers:
    return Workers(Path("agent.pyz"), base_python)


class TestCells:
    def test_each_file_meets_each_way_to_run_its_format(self) -> None:
        plans = (LITERT, replace(LITERT, thread_count=4), DuelPlan(engine="onnxruntime"))
        names = ["a.tflite", "b.onnx", "c.mlpackage"]
        base, head = ([make_file(name, content) for name in names] for content in "12")
        cells = list_run_cells(make_request(base, head, plans=plans))
        assert [cell.name for cell in cells] == [
            "a.tflite on litert",
            "a.tflite on litert, 4 threads",
            "b.onnx on onnxruntime",
        ]
        assert all(cell.fights for cell in cells)
        assert cells[0].base_path == Path("old/a.tflite")
        assert cells[0].head_path == Path("new/a.tflite")

    def test_equal_files_fight_only_for_two_environments(self) -> None:
        files = [make_file("net.tflite")]
        assert not only_cell(make_request(files, files)).fights
        assert only_cell(make_request(files, files, base_python=OTHER_PYTHON)).fights

    def test_files_of_one_side_have_no_opponent(self) -> None:
        head = [make_file("new.tflite"), make_file("unborn.tflite")]
        request = make_request([], head, base_failures={"unborn.tflite": "refused"}, base_python=OTHER_PYTHON)
        cells = list_run_cells(request)
        assert [(cell.base_path, cell.fights) for cell in cells] == [(None, False), (None, False)]
        assert [cell.alone for cell in cells] == [
            ("pass", "new: there is no base"),
            ("inconclusive", "base does not export it: refused"),
        ]

    def test_files_with_other_inputs_never_fight(self) -> None:
        larger = make_facts(inputs=(TensorFacts(name="x", dtype="float32", shape=(1, 3, 16, 16)),))
        head = replace(make_file("net.tflite", "2"), graph_facts=larger)
        cell = only_cell(make_request([make_file("net.tflite", "1")], [head]))
        assert not cell.fights
        assert cell.alone == ("inconclusive", "input 'x' is 1x3x8x8 in base and 1x3x16x16 in head")

    def test_what_head_has_not_is_no_cell(self) -> None:
        base = [make_file("gone.tflite"), make_file("broken.tflite")]
        assert list_run_cells(make_request(base, [], head_failures={"broken.tflite": "refused"})) == []

    def test_a_row_of_limits_for_the_engine_sets_the_threshold(self) -> None:
        rows = (CellLimits(engine="litert", values={"latency_ratio": 1.2}),)
        cell = only_cell(changed(limits=GateTable(cells=rows)))
        assert cell.make_timed_cell(workers()).threshold == 1.2


class TestInspection:
    def test_two_sides_that_run_alike_may_fight(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sides = Sides(monkeypatch)
        assert inspect_cell(only_cell(changed()), workers()).obstacle is None
        assert sides.asked == [("new", 0), ("old", 0)]

    def test_a_head_that_does_not_run_has_failed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Sides(monkeypatch, new=WorkerFault("crash", "the worker died of SIGSEGV"))
        found = inspect_cell(only_cell(changed()), workers())
        assert found.obstacle == ("failed", "head: crash: the worker died of SIGSEGV")

    def test_a_package_that_is_missing_comes_with_its_cure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Sides(monkeypatch, new=WorkerFault("missing_package", "no ai_edge_litert"))
        found = inspect_cell(only_cell(changed()), workers())
        assert found.obstacle is not None
        assert found.obstacle[1].endswith("no ai_edge_litert (to install it: pip install ai-edge-litert)")

    def test_a_base_that_does_not_run_decides_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        Sides(monkeypatch, old=WorkerFault("load", "INVALID_PROTOBUF"))
        found = inspect_cell(only_cell(changed()), workers())
        assert found.obstacle == ("inconclusive", "base does not run: load: INVALID_PROTOBUF")
        assert found.head is not None

    @pytest.mark.parametrize("base_failures", [{}, {"net.tflite": "refused"}])
    def test_a_head_alone_must_run_all_the_same(
        self, monkeypatch: pytest.MonkeyPatch, base_failures: dict[str, str]
    ) -> None:
        cell = only_cell(make_request([], [make_file("net.tflite")], base_failures=base_failures))
        sides = Sides(monkeypatch)
        assert inspect_cell(cell, workers()).obstacle == cell.alone
        assert sides.asked == [("new", 0)]
        Sides(monkeypatch, new=WorkerFault("run", "no kernel"))
        assert inspect_cell(cell, workers()).obstacle == ("failed", "head: run: no kernel")

    def test_an_equal_file_is_not_even_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sides = Sides(monkeypatch)
        files = [make_file("net.tflite")]
        found = inspect_cell(only_cell(make_request(files, files)), workers())
        assert found.obstacle == ("pass", "byte-identical, not timed")
        assert sides.asked == []

    def test_a_limit_in_ms_times_an_equal_file_by_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sides = Sides(monkeypatch)
        files = [make_file("net.tflite")]
        limits = GateTable(limits=Limits(absolute_ms={"litert": 5.0}))
        found = inspect_cell(only_cell(make_request(files, files, limits=limits)), workers())
        assert found.obstacle == ("pass", "byte-identical, not timed against base")
        assert sides.asked == [("new", 9)]


class TestDifference:
    def test_inputs_that_differ_when_run_are_shown(self) -> None:
        head = make_side(inputs=(("float32", (2, 3, 8, 8)), ("int64", ())))
        told = "the inputs differ: base runs float32 1x3x8x8, head float32 2x3x8x8, int64 scalar"
        assert find_difference(make_side(), head, apart=False) == ("inconclusive", told)
        assert find_difference(make_side(), head, apart=True) == ("inconclusive", told)

    def test_another_runtime_is_a_difference_unless_it_is_the_question(self) -> None:
        head = make_side(tools={"python": "3.11.0", "ai-edge-litert": "2.4.0"})
        told = "ai-edge-litert is 2.3.0 on base's side, 2.4.0 on head's"
        assert find_difference(make_side(), head, apart=False) == ("inconclusive", told)
        assert find_difference(make_side(), head, apart=True) is None


class TestWorkers:
    def test_base_runs_in_its_own_environment_and_isolated(self, tmp_path: Path) -> None:
        python = tmp_path / "python"
        python.touch(mode=0o755)
        found = workers(python)
        assert found.apart
        assert found.command("litert", BASE) == found.command("litert", BASE_AGAIN) == [str(python), "-I", "agent.pyz"]
        assert str(python) not in found.command("litert", HEAD)

    def test_an_engine_without_its_environment_is_a_fault(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("POCKETBENCH_TFLITE_RUNTIME_PYTHON", raising=False)
        with pytest.raises(WorkerFault) as caught:
            workers().command("tflite_runtime", HEAD)
        assert caught.value.failure.kind == "missing_package"


class TestConclusion:
    def conclude(self, found: Inspection, timing: Timing | None = None, **options: Any) -> tuple[str, str]:
        cell = conclude_run(only_cell(changed(**options)), found, timing, "host-1")
        assert (cell.key.engine, cell.key.thread_count, cell.key.device_id) == ("litert", 1, "host-1")
        return cell.verdict, cell.reason

    def timed(self, verdict: str) -> Timing:
        return Timing(verdict=verdict, reason="by the duel", duel=None, failure=None, records=())

    def both(self, **head: Any) -> Inspection:
        return Inspection(base=make_side(), head=make_side(**head), obstacle=None)

    @pytest.mark.parametrize("verdict", ["pass", "improved", "regressed", "inconclusive", "failed"])
    def test_the_duel_decides(self, verdict: str) -> None:
        assert self.conclude(self.both(), self.timed(verdict)) == (verdict, "by the duel")

    def test_an_obstacle_decides(self) -> None:
        found = Inspection(base=None, head=None, obstacle=("failed", "head: crash"))
        assert self.conclude(found) == ("failed", "head: crash")

    def test_memory_beyond_its_limit_is_worse_than_a_duel_that_passed(self) -> None:
        verdict, reason = self.conclude(self.both(peak_rss_bytes=80_000_000), self.timed("pass"))
        assert verdict == "regressed"
        assert reason.startswith("peak memory of head")
        assert reason.endswith("; by the duel")

    def test_a_limit_in_ms_is_judged_by_the_interval_of_nine_loads(self) -> None:
        # 99.6 % of such intervals hold the true median: 9 values, smallest to largest
        limits = GateTable(limits=Limits(absolute_ms={"litert": 5.0}))
        slow = self.both(load_medians_ns=tuple(5.1e6 + index for index in range(9)))
        doubtful = self.both(load_medians_ns=(4.9e6, *(5.1e6 + index for index in range(8))))
        fast = self.both(load_medians_ns=(4.9e6,) * 9)
        assert self.conclude(slow, self.timed("pass"), limits=limits)[0] == "regressed"
        assert self.conclude(doubtful, self.timed("pass"), limits=limits)[0] == "inconclusive"
        assert self.conclude(fast, self.timed("pass"), limits=limits) == ("pass", "by the duel")

    def test_a_limit_in_ms_holds_without_a_base(self) -> None:
        limits = GateTable(limits=Limits(absolute_ms={"litert": 5.0}))
        slow = Inspection(base=None, head=make_side(load_medians_ns=(6e6,) * 9), obstacle=("pass", "new"))
        verdict, reason = self.conclude(slow, limits=limits)
        assert verdict == "regressed"
        assert "absolute_ms.litert = 5 allows less" in reason
