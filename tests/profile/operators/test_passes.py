"""Operator times of several cells: in turn, joined from several loads, and never at the cost of a latency."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from pocketbench.core.errors import MeasurementFault
from pocketbench.core.operator_kinds import BETWEEN
from pocketbench.core.records import OperatorTime, RunPlan
from pocketbench.profile.cell import Cell
from pocketbench.profile.operators.coverage import describe_coverage
from pocketbench.profile.operators.passes import join_profiles, make_host_reader, take_operator_times
from pocketbench.profile.operators.times import OperatorProfile, UnknownOperatorTimes
from tests.profile.conftest import make_cell, run_cells
from tests.profile.operator_files import SIDE, write_convolutions, write_tflite_convolutions
from tests.profile.test_session import Fleet, make_cells, run_fakes
from tests.profile.tflite_files import write_split_by_cumsum


def make_profile(*times: tuple[str, str, float], whole: float) -> OperatorProfile:
    operators = tuple(
        OperatorTime(name=f"{operator}_{index}", operator=operator, path=block, block=block, time_ns=ns, call_count=1)
        for index, (operator, block, ns) in enumerate(times)
    )
    return OperatorProfile(operators=operators, whole_ns=whole)


def show(operators: tuple[OperatorTime, ...]) -> list[tuple[str, str | None, float]]:
    return [(item.operator, item.block, item.time_ns) for item in operators]


def test_medians_add_up_to_the_median_inference() -> None:
    joined = join_profiles(
        [
            make_profile(("Conv", "a", 10.0), ("Mul", "b", 5.0), whole=20.0),
            make_profile(("Conv", "a", 30.0), ("Mul", "b", 4.0), whole=50.0),
            make_profile(("Conv", "a", 12.0), ("Mul", "b", 6.0), whole=22.0),
        ]
    )
    assert show(joined) == [("Conv", "a", 12.0), ("Mul", "b", 5.0), (BETWEEN, "", 5.0)]


def test_the_profilers_cost_is_taken_off_the_medians() -> None:
    joined = join_profiles([make_profile(("Conv", "a", 30.0), ("Mul", "b", 20.0), whole=30.0)] * 3)
    assert show(joined) == [("Conv", "a", 20.0), ("Mul", "b", 10.0), (BETWEEN, "", 0.0)]


def test_operators_are_paired_by_type_and_place_in_whatever_order_they_ran() -> None:
    joined = join_profiles(
        [
            make_profile(("Conv", "a", 10.0), ("Conv", "a", 1.0), ("Mul", "b", 5.0), whole=30.0),
            make_profile(("Mul", "b", 7.0), ("Conv", "a", 20.0), ("Conv", "a", 2.0), whole=31.0),
            make_profile(("Conv", "a", 30.0), ("Mul", "b", 6.0), ("Conv", "a", 3.0), whole=32.0),
        ]
    )
    assert show(joined)[:3] == [("Conv", "a", 20.0), ("Conv", "a", 2.0), ("Mul", "b", 6.0)]


def test_loads_that_give_other_operators_leave_the_middle_one_as_it_is() -> None:
    profiles = [
        make_profile(("Conv", "a", 10.0), whole=20.0),
        make_profile(("Conv", "a", 11.0), ("Reorder", "a", 2.0), whole=24.0),
        make_profile(("Conv", "a", 12.0), whole=22.0),
    ]
    assert show(join_profiles(profiles)) == [("Conv", "a", 12.0), (BETWEEN, "", 10.0)]


def test_cells_are_profiled_in_turn_and_one_that_fails_costs_itself() -> None:
    cells = dict(enumerate(make_cells("a", "b", "c")))
    order = []

    def read(cell: Cell) -> OperatorProfile:
        order.append(cell.artifact.file_name)
        if cell.artifact.file_name == "b":
            raise UnknownOperatorTimes("the moon is full", "wait")
        return make_profile(("Conv", "a", 10.0), whole=12.0)

    texts: list[str] = []
    found = take_operator_times(cells, read, texts.append)
    assert order == ["a", "b", "c", "c", "a", "a", "c"]
    assert found[1] == "the moon is full"
    assert show(found[0]) == show(found[2]) == [("Conv", "a", 10.0), (BETWEEN, "", 2.0)]
    assert texts[0] == "operator times, 1 of 3: a"
    assert len(texts) == len(order)
    assert take_operator_times({}, read) == {}


def read_fake(cell: Cell) -> OperatorProfile:
    if cell.artifact.file_name == "b":
        raise MeasurementFault("the runtime crashed", "try another")
    return make_profile(("Conv", "a", 10.0), whole=12.0)


def test_the_last_result_of_a_cell_has_its_operator_times() -> None:
    fleet = Fleet(c=5)
    cells = make_cells("a", "b", "c", session_count=2) + make_cells("d", session_count=1)
    results = run_fakes(fleet, cells, with_operators=True, read_profile=read_fake)
    found = {(result.artifact.file_name, result.session_index): result for result in results}
    assert sorted(found) == [("a", 0), ("a", 1), ("b", 0), ("b", 1), ("c", 0), ("d", 0)]
    with_times = [key for key, result in found.items() if result.operator_times is not None]
    assert sorted(with_times) == [("a", 1), ("d", 0)]
    with_caveat = {
        key: caveat.text
        for key, result in found.items()
        for caveat in result.caveats
        if caveat.code == "no_operator_times"
    }
    assert with_caveat == {("b", 1): "operator times were asked for: the runtime crashed"}
    assert all(result.measurement is not None for key, result in found.items() if key[0] != "c")


def test_nobody_profiles_what_nobody_asked_for() -> None:
    results = run_fakes(Fleet(), make_cells("a"), read_profile=lambda _: pytest.fail("profiled"))
    assert results[0].operator_times is None
    results = run_fakes(Fleet(a=1), make_cells("a"), with_operators=True, read_profile=lambda _: pytest.fail("x"))
    assert results[0].failure is not None


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, ZeroDivisionError])
def test_latencies_are_kept_when_the_pass_is_interrupted(trouble: type[BaseException]) -> None:
    fleet = Fleet()
    kept = []

    def interrupt(_: Cell) -> OperatorProfile:
        assert all(worker.ended for worker in fleet.workers)
        raise trouble

    with pytest.raises(trouble):
        run_fakes(fleet, make_cells("a", "b"), with_operators=True, read_profile=interrupt, on_result=kept.append)
    assert [(result.artifact.file_name, result.operator_times) for result in kept] == [("a", None), ("b", None)]
    assert all(result.measurement is not None for result in kept)
    texts = [caveat.text for result in kept for caveat in result.caveats if caveat.code == "no_operator_times"]
    assert texts == ["operator times were asked for: their pass was interrupted"] * 2


def test_a_full_store_ends_the_run_at_once() -> None:
    def refuse(_: object) -> None:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        run_fakes(Fleet(), make_cells("a", "b"), with_operators=True, read_profile=read_fake, on_result=refuse)


def test_coverage_by_nodes_and_by_time() -> None:
    facts = {"operator_counts": {"CONV_2D": 3, "CUMSUM": 1}, "outside_delegate_count": 1, "partition_count": 2}
    coverage = describe_coverage(facts, None)
    assert coverage is not None
    assert (coverage.node_count, coverage.delegated_node_count, coverage.partition_count) == (4, 3, 2)
    assert coverage.time_fraction is None
    times = (
        *make_profile(("Add (ND)", "a", 30.0), ("CUMSUM", "a", 10.0), whole=0.0).operators,
        *make_profile((BETWEEN, "", 60.0), whole=0.0).operators,
    )
    coverage = describe_coverage(facts, times)
    assert coverage is not None
    assert coverage.time_fraction == 0.75
    assert describe_coverage(facts, times[2:]).time_fraction is None
    assert describe_coverage({}, times) is None
    assert describe_coverage({"operator_counts": None, "outside_delegate_count": None}, times) is None


@pytest.mark.slow
def test_real_cells_get_times_and_coverage(tmp_path: Path) -> None:
    cut = make_cell(write_split_by_cumsum(tmp_path / "cut.tflite", 2), "litert")
    whole = make_cell(write_tflite_convolutions(tmp_path / "whole.tflite", [3, 5]), "litert")
    onnx = make_cell(write_convolutions(tmp_path / "model.onnx", [3, 5]), "onnxruntime")
    results = {result.artifact.file_name: result for result in run_cells(cut, whole, onnx, with_operators=True)}
    for result in results.values():
        assert result.measurement is not None
        assert result.operator_times is not None
        assert result.operator_times[-1].operator == BETWEEN
    coverages = {name: result.coverage for name, result in results.items()}
    assert coverages["model.onnx"] is None
    assert coverages["whole.tflite"].delegated_node_count == coverages["whole.tflite"].node_count == 2
    assert coverages["whole.tflite"].time_fraction == 1.0
    assert (coverages["cut.tflite"].delegated_node_count, coverages["cut.tflite"].node_count) == (3, 5)


@pytest.mark.slow
def test_operators_are_those_of_onnxruntimes_own_trace(tmp_path: Path) -> None:
    """A session with its own profiler, read by other code, runs the same operators as often."""
    path = write_convolutions(tmp_path / "model.onnx", [3, 7, 11])
    found = take_operator_times({0: make_cell(path, "onnxruntime")}, make_host_reader({}))[0]
    assert not isinstance(found, str)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = RunPlan(engine="onnxruntime").thread_count
    options.enable_profiling = True
    options.profile_file_prefix = str(tmp_path / "trace")
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    session.run(None, {"x": np.ones((1, 16, SIDE, SIDE), np.float32)})
    events = json.loads(Path(session.end_profiling()).read_text())
    trace = Counter(event["args"]["op_name"] for event in events if event["name"].endswith("_kernel_time"))
    assert Counter(item.operator for item in found[:-1]) == trace
