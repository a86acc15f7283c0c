"""The whole gate, with arenas and workers that follow a script."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pocketbench.core.errors import MeasurementFault
from pocketbench.core.gate_records import CellVerdict, GateReport, PartTime
from pocketbench.core.jsonio import dump_record, parse_record
from pocketbench.core.records import TensorFacts
from pocketbench.profile.worker import WorkerFault
from pocketbench.workflow.gate import inspection, run_cells
from pocketbench.workflow.gate import run as module
from pocketbench.workflow.gate.limits import GateTable, Limits
from pocketbench.workflow.gate.request import GateRequest
from pocketbench.workflow.gate.run import run_gate
from tests.profile.duel.fake_arena import FakeArena
from tests.workflow.gate.artifacts import make_facts
from tests.workflow.gate.requests import make_file, make_request, make_side

PART = PartTime(kind="operator", name="Conv", base_ns=1.0, head_ns=2.0)


class Machine:
    """What runs how: by file name the ratio of head's time to base's, and files of either side that do not run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ratios: dict[str, float] = {}
        self.layout = 0.001
        self.broken: set[str] = set()
        self.opened: list[str] = []
        self.parts: tuple[PartTime, ...] | MeasurementFault = (PART,)
        monkeypatch.setattr(inspection, "inspect_side", self._inspect)
        monkeypatch.setattr(run_cells, "SharedArena", self._open)
        monkeypatch.setattr(run_cells, "LockstepArena", self._open)
        monkeypatch.setattr(module, "compare_operator_times", self._profile)

    def _inspect(self, _command: Any, path: Path, *_: Any) -> Any:
        if str(path) in self.broken:
            raise WorkerFault("crash", "the worker died of SIGSEGV")
        return make_side()

    def _open(self, _command: Any, _base: Path, head: Path, _plan: Any) -> FakeArena:
        self.opened.append(head.name)
        return FakeArena(head=self.ratios.get(head.name, 1.0), layout=self.layout, seed=len(self.opened))

    def _profile(self, *_: Any, **__: Any) -> tuple[PartTime, ...]:
        if isinstance(self.parts, MeasurementFault):
            raise self.parts
        return self.parts


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def both(*names: str, **options: Any) -> GateRequest:
    return make_request([make_file(name, "1") for name in names], [make_file(name, "2") for name in names], **options)


def find(report: GateReport, file_name: str, engine: str | None = "litert") -> CellVerdict:
    (cell,) = (cell for cell in report.cells if (cell.key.file_name, cell.key.engine) == (file_name, engine))
    return cell


def test_equal_speed_is_green(machine: Machine) -> None:
    report = run_gate(both("a.tflite", "b.onnx"))
    assert (report.verdict, report.exit_code) == ("pass", 0)
    # a cell for each file, and one for each file on its engine
    assert [(cell.key.file_name, cell.key.engine) for cell in report.cells] == [
        *(("a.tflite", None), ("b.onnx", None), ("a.tflite", "litert"), ("b.onnx", "onnxruntime"))
    ]
    assert machine.opened == ["a.tflite", "b.onnx"]
    assert find(report, "a.tflite").duel is not None
    assert find(report, "a.tflite").key.device_id == report.device.device_id


def test_a_slower_one_is_red_and_says_where(machine: Machine) -> None:
    machine.ratios = {"slow.tflite": 1.05}
    report = run_gate(both("slow.tflite", "b.tflite"))
    assert (report.verdict, report.exit_code) == ("regressed", 4)
    slow = find(report, "slow.tflite")
    assert (slow.verdict, slow.parts) == ("regressed", (PART,))
    assert (find(report, "b.tflite").verdict, find(report, "b.tflite").parts) == ("pass", ())
    assert machine.opened == ["slow.tflite", "b.tflite", "slow.tflite"]


def test_where_is_left_out_with_a_word_when_the_runtime_does_not_tell(machine: Machine) -> None:
    machine.ratios = {"slow.tflite": 1.05}
    machine.parts = MeasurementFault("the trace is empty", "cure")
    slow = find(run_gate(both("slow.tflite")), "slow.tflite")
    assert (slow.verdict, slow.parts) == ("regressed", ())
    assert slow.reason.endswith("the trace is empty")


def test_a_faster_one_is_green(machine: Machine) -> None:
    machine.ratios = {"fast.tflite": 0.9}
    report = run_gate(both("fast.tflite"))
    assert (report.verdict, report.exit_code) == ("improved", 0)


@pytest.mark.parametrize(("inconclusive", "exit_code"), [("fail", 5), ("pass", 0)])
def test_a_doubt_is_five_or_what_the_user_makes_of_it(machine: Machine, inconclusive: str, exit_code: int) -> None:
    machine.ratios, machine.layout = {"a.tflite": 1.02}, 0.2
    report = run_gate(both("a.tflite"), inconclusive=inconclusive)
    assert (report.verdict, report.exit_code) == ("inconclusive", exit_code)


@pytest.mark.usefixtures("machine")
class TestNeverGreen:
    """What was deleted, renamed, failed or ran nowhere; a doubt that is allowed allows none of it."""

    def run(self, request: GateRequest) -> GateReport:
        report = run_gate(request, inconclusive="pass")
        assert report.exit_code == 4
        return report

    def test_deleted(self) -> None:
        report = self.run(make_request([make_file("a.tflite")], []))
        assert report.verdict == find(report, "a.tflite", None).verdict == "missing"

    def test_renamed(self) -> None:
        report = self.run(make_request([make_file("old.tflite")], [make_file("new.tflite")]))
        assert "renamed to new.tflite?" in find(report, "old.tflite", None).reason

    def test_failed_to_export(self) -> None:
        report = self.run(make_request([make_file("a.tflite")], [], head_failures={"a.tflite": "refused"}))
        assert report.verdict == "failed"

    def test_ran_nowhere(self) -> None:
        report = self.run(both("a.mlpackage"))
        assert report.verdict == "missing"

    def test_ran_nowhere_in_two_environments(self) -> None:
        files = [make_file("a.mlpackage")]
        assert self.run(make_request(files, files, base_python=Path("/other/python"))).verdict == "missing"

    @pytest.mark.parametrize(
        "request_",
        [
            both("a.tflite"),
            make_request([], [make_file("a.tflite")]),
            make_request([], [make_file("a.tflite")], base_failures={"a.tflite": "refused"}),
            make_request(
                [make_file("a.tflite", "1")],
                [
                    replace(
                        make_file("a.tflite", "2"),
                        graph_facts=make_facts(inputs=(TensorFacts(name="x", dtype="int8", shape=(1,)),)),
                    )
                ],
            ),
        ],
        ids=["changed", "new", "base_failed", "other inputs"],
    )
    def test_crashes_on_its_engine(self, machine: Machine, request_: GateRequest) -> None:
        machine.broken = {"new/a.tflite"}
        report = self.run(request_)
        assert find(report, "a.tflite").verdict == "failed"


def test_a_base_that_crashes_is_a_doubt(machine: Machine) -> None:
    machine.broken = {"old/a.tflite"}
    report = run_gate(both("a.tflite"))
    assert (report.verdict, report.exit_code) == ("inconclusive", 5)
    assert machine.opened == []


def test_a_new_file_is_green_within_its_limits_and_red_beyond(machine: Machine) -> None:  # noqa: ARG001
    request = make_request([], [make_file("a.tflite")])
    assert run_gate(request).exit_code == 0
    narrow = GateTable(limits=Limits(size_bytes=10))
    assert run_gate(replace(request, limits=narrow)).exit_code == 4


def test_equal_files_are_not_run(machine: Machine) -> None:
    files = [make_file("a.tflite")]
    report = run_gate(make_request(files, files))
    assert (report.verdict, report.exit_code, machine.opened) == ("pass", 0, [])


def test_the_worst_cell_is_the_gates_verdict(machine: Machine) -> None:
    machine.ratios = {"fast.tflite": 0.9, "slow.tflite": 1.1}
    machine.broken = {"old/base_broken.tflite"}
    report = run_gate(both("fast.tflite", "slow.tflite", "equal.tflite", "base_broken.tflite"))
    assert [cell.verdict for cell in report.cells if cell.key.engine] == [
        *("improved", "regressed", "pass", "inconclusive")
    ]
    assert (report.verdict, report.exit_code) == ("regressed", 4)


def test_a_report_comes_back_from_its_text(machine: Machine) -> None:
    machine.ratios = {"slow.tflite": 1.1}
    request = both("slow.tflite", "b.onnx", "c.mlpackage", base_commit="a" * 40, head_commit="b" * 40)
    report = run_gate(request)
    assert parse_record(dump_record(report), GateReport, "here") == report
    assert (report.base, report.head, report.base_commit, report.head_commit) == ("old", "new", "a" * 40, "b" * 40)
    assert report.duration_s > 0


def test_progress_counts_up_to_its_total(machine: Machine) -> None:
    machine.ratios = {"slow.tflite": 1.1}
    told: list[tuple[int, int, str]] = []
    run_gate(both("a.tflite", "slow.tflite"), on_progress=lambda *step: told.append(step))
    assert {total for _, total, _ in told} == {4}
    assert all(0 <= done < total for done, total, _ in told)
    assert told[0] == (0, 4, "a.tflite on litert: loads and runs")
    assert told[-1] == (3, 4, "slow.tflite on litert: finds where time went")
