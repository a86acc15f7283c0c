"""What profilers write, read strictly; and the sums that follow."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from pocketbench.core.operator_kinds import BETWEEN
from pocketbench.core.records import OperatorTime
from pocketbench.profile.agent.engines.tflite_interpreter import LiteRt
from pocketbench.profile.agent.operator_litert import check_outputs, check_summary, read_events
from pocketbench.profile.agent.operator_litert_library import Event
from pocketbench.profile.agent.operator_onnxruntime import add_up_calls, parse_trace
from pocketbench.profile.agent.operator_request import (
    OperatorRuns,
    UnknownTimes,
    answer_operators,
    count_runs,
    summarise,
)
from pocketbench.profile.agent.refusal import Refusal
from pocketbench.profile.operators.comparison import OTHER_PLACES, compare_parts
from pocketbench.profile.operators.cost import find_cost_ns
from pocketbench.profile.operators.times import OperatorProfile


def line(category: str, name: str, start: int, duration: int, **arguments: Any) -> str:
    event = {"cat": category, "pid": 1, "tid": 1, "dur": duration, "ts": start, "ph": "X", "name": name}
    return json.dumps({**event, "args": arguments}) + ",\n"


def node(name: str, start: int, duration: int, index: int, operator: str = "Conv") -> str:
    return line("Node", f"{name}_kernel_time", start, duration, op_name=operator, node_index=str(index))


TRACE = [
    "[\n",
    line("Session", "model_loading_uri", 0, 50),
    node("initial", 40, 3, 0),  # before the first inference: what is computed once, on loading
    node("a", 110, 20, 1),
    line("Node", "a_fence_after", 131, 1),
    node("b", 135, 30, 2, "Relu"),
    line("Session", "SequentialExecutor::Execute", 105, 70),
    line("Session", "model_run", 100, 80),
    node("a", 210, 22, 1),
    node("b", 235, 31, 2, "Relu"),
    line("Session", "model_run", 200, 80).rstrip(",\n") + "\n",
    "]\n",
]


def test_a_trace_is_divided_into_inferences() -> None:
    assert parse_trace(TRACE) == [
        {(1, "a", "Conv"): (20_000, 1), (2, "b", "Relu"): (30_000, 1)},
        {(1, "a", "Conv"): (22_000, 1), (2, "b", "Relu"): (31_000, 1)},
    ]
    assert parse_trace(["[\n", "]\n"]) == []


@pytest.mark.parametrize(
    "bad",
    [
        "not json\n",
        '{"cat": "Node"}\n',
        "[1, 2]\n",
        line("Node", "a", 1, 2),
        line("Node", "a_kernel_time", 1, 2),
        line("Kernel", "cuda", 1, 2),
        '{"cat": "Node", "name": "a_kernel_time", "ts": "x", "dur": 1, "args": {}}\n',
        '{"cat": "Node", "name": 3, "ts": 1, "dur": 1, "args": {}}\n',
    ],
)
def test_a_line_that_is_not_understood_is_named(bad: str) -> None:
    with pytest.raises(Refusal, match="line 3 of onnxruntime's trace is not understood"):
        parse_trace([*TRACE[:2], bad, *TRACE[2:]])


def test_operators_that_hold_others_have_no_times_of_their_own() -> None:
    one, other = (1, "a", "Conv"), (2, "b", "Add")
    assert add_up_calls([(16, 4, other), (10, 6, one), (20, 0, one)]) == {one: (6_000, 2), other: (4_000, 1)}
    with pytest.raises(UnknownTimes, match="control flow"):
        add_up_calls([(12, 3, other), (10, 15, one)])


def test_what_was_interrupted_is_left_out() -> None:
    a, b = (0, "a", "Conv"), (1, "b", "Relu")
    runs = [{a: (10, 1), b: (5, 1)}, {a: (900, 1), b: (6, 1)}, {a: (12, 1), b: (700, 1)}, {a: (800, 1), b: (7, 1)}]
    assert summarise(runs) == [
        {"name": "a", "operator": "Conv", "time_ns": 12, "call_count": 1},
        {"name": "b", "operator": "Relu", "time_ns": 6, "call_count": 1},
    ]


@pytest.mark.parametrize(
    ("times", "counts", "whole", "cost"),
    [
        ([10.0, 20.0], [1, 1], 40.0, 0.0),
        ([10.0, 20.0, 30.0], [1, 1, 1], 45.0, 5.0),
        ([10.0, 40.0], [3, 1], 34.0, 6.0),
        ([1.0, 1.0, 30.0], [1, 1, 1], 20.0, 10.0),
        ([], [], 5.0, 0.0),
        ([4.0], [1], 0.0, 4.0),
    ],
)
def test_the_profilers_cost_is_what_makes_the_times_add_up(
    times: list[float], counts: list[int], whole: float, cost: float
) -> None:
    assert find_cost_ns(times, counts, whole) == pytest.approx(cost)
    left = sum(max(0.0, time - count * cost) for time, count in zip(times, counts, strict=True))
    assert left == pytest.approx(min(whole, sum(times)))


EVENTS = [
    Event("LiteRT::Run", 1, 5, 0, 0),
    Event("CUMSUM", 2, 7, 0, 0),
    Event("Add (ND)", 8, 3, 0, 0),
    Event("Multiply (ND)", 8, 4, 1, 0),
    Event("Add (ND)", 8, 2, 0, 0),
    Event("Invoke", 32, 2**32, -1, 0),
]


def test_partitions_are_counted_by_where_the_numbers_start_anew() -> None:
    assert read_events(EVENTS) == {
        (0, "TFLITE 0", "CUMSUM"): (7_000, 1),
        (1, "XNNPACK 0:0", "Add (ND)"): (3_000, 1),
        (2, "XNNPACK 0:1", "Multiply (ND)"): (4_000, 1),
        (3, "XNNPACK 1:0", "Add (ND)"): (2_000, 1),
    }


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (Event("Add (ND)", 64, 3, 0, 0), "is not understood"),
        (Event("Add (ND)", 8, 3, 5, 0), "is not understood"),
        (Event("ADD", 2, 3, 0, 1), "control flow"),
    ],
)
def test_events_that_are_not_understood_give_no_times(event: Event, why: str) -> None:
    with pytest.raises(UnknownTimes, match=why):
        read_events([*EVENTS, event])
    with pytest.raises(UnknownTimes, match="no events"):
        read_events(EVENTS[:1])


def test_another_release_of_litert_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda _: "2.4.0")
    answer = answer_operators(LiteRt(), "absent.tflite", {"thread_count": 1})
    assert answer == {
        "unknown": "operator times are not known for ai-edge-litert 2.4.0: its profiler is understood in 2.3.0 alone"
    }


class CheckedModel:
    """A compiled model whose outputs are given."""

    def __init__(self, *outputs: np.ndarray) -> None:
        self.outputs = outputs

    def output_count(self) -> int:
        return len(self.outputs)

    def read_output(self, index: int, array: np.ndarray) -> None:
        array[...] = self.outputs[index]


class CheckedEngine:
    def read_outputs(self) -> list[np.ndarray]:
        return [np.array([1.0, -2.0, 1e-9], np.float32)]


def test_outputs_must_be_those_of_the_interpreter() -> None:
    good = np.array([1.00001, -2.0, 0.0], np.float32)
    check_outputs(CheckedEngine(), CheckedModel(good))
    with pytest.raises(UnknownTimes, match="other numbers"):
        check_outputs(CheckedEngine(), CheckedModel(good * 1.01))
    with pytest.raises(UnknownTimes, match="2 outputs, the interpreter 1"):
        check_outputs(CheckedEngine(), CheckedModel(good, good))


def test_the_librarys_own_summary_must_agree() -> None:
    check_summary(EVENTS, "Op Name\n\nTimings (microseconds): count=4 curr=16\nMemory (bytes): count=0\n")
    for summary in ("Timings (microseconds): count=4 curr=17", "Timings (microseconds): count=0", ""):
        with pytest.raises(UnknownTimes, match="its events have 16 us"):
            check_summary(EVENTS, summary)


@pytest.mark.parametrize(("duration_ns", "count"), [(0, 30), (10**6, 30), (10**8, 20), (10**10, 5)])
def test_a_slow_model_runs_less_often(duration_ns: int, count: int) -> None:
    assert count_runs({"run_count": 30}, duration_ns) == count
    assert count_runs({"run_count": 3}, duration_ns) == 3


class Engine:
    def versions(self) -> dict[str, str]:
        return {"fake-runtime": "9.1"}


def profile_operators(_engine: Engine, path: str, _request: dict[str, Any]) -> OperatorRuns:
    if path == "unknown":
        raise UnknownTimes("the moon is full")
    return OperatorRuns([{(0, "a", "Conv"): (10, 1)}], [14, 12, 40, 50], {"kind": "onnx"})


def test_an_engine_names_its_profiler() -> None:
    engine: Any = Engine()
    assert answer_operators(engine, "x", {}) == {"unknown": "operator times are not known for fake-runtime 9.1"}
    engine.operator_profiler = __name__
    unknown = {"unknown": "operator times are not known for fake-runtime 9.1: the moon is full"}
    assert answer_operators(engine, "unknown", {}) == unknown
    assert answer_operators(engine, "x", {}) == {
        "whole_ns": 14,
        "operators": [{"name": "a", "operator": "Conv", "time_ns": 10, "call_count": 1}],
        "graph": {"kind": "onnx"},
    }


def make_profile(*items: tuple[str, str | None, float], whole: float) -> OperatorProfile:
    operators = tuple(
        OperatorTime(name="n", operator=operator, path=block, block=block, time_ns=time_ns, call_count=1)
        for operator, block, time_ns in items
    )
    return OperatorProfile(operators=operators, whole_ns=whole)


def test_times_of_a_profile_add_up_to_the_whole() -> None:
    profile = make_profile(("Conv", "f.0", 100.0), ("Relu", "f.1", 20.0), whole=112.0)
    times = profile.take_off(profile.cost_ns)
    assert [(item.operator, item.block, item.time_ns) for item in times] == [
        ("Conv", "f.0", 96.0),
        ("Relu", "f.1", 16.0),
        (BETWEEN, "", 0.0),
    ]
    profile = make_profile(("Conv", None, 100.0), whole=130.0)
    assert [(item.block, item.time_ns) for item in profile.take_off(profile.cost_ns)] == [(None, 100.0), (None, 30.0)]


def test_parts_add_up_and_the_largest_change_comes_first() -> None:
    base = [
        make_profile(("Conv", "f.0", 100.0 + noise), ("Relu", "f.1", 20.0), whole=130.0 + noise) for noise in (0, 2, 50)
    ]
    head = [make_profile(("Conv", "f.0", 90.0), ("Relu", "f.1", 20.0), ("Mul", "f.1.se", 300.0), whole=420.0)] * 3
    parts = compare_parts(base, head)
    assert [(part.kind, part.name, part.base_ns, part.head_ns) for part in parts] == [
        ("operator", "Mul", None, 300.0),
        ("operator", "Conv", 102.0, 90.0),
        ("operator", "Relu", 20.0, 20.0),
        ("operator", BETWEEN, 10.0, 10.0),
        ("block", "f.1.se", None, 300.0),
        ("block", "f.0", 102.0, 90.0),
        ("block", "f.1", 20.0, 20.0),
        ("block", BETWEEN, 10.0, 10.0),
    ]


def test_the_profilers_cost_is_one_for_both_sides() -> None:
    """Base cost 10 a call and head 20: with one figure of 15 the operators that are equal stay equal."""
    items = (("Conv", "f.0", 100.0), ("Relu", "f.1", 50.0))
    parts = compare_parts([make_profile(*items, whole=130.0)], [make_profile(*items, whole=110.0)])
    assert [(part.name, part.base_ns, part.head_ns) for part in parts if part.kind == "operator"] == [
        ("Conv", 85.0, 85.0),
        ("Relu", 35.0, 35.0),
        (BETWEEN, 10.0, 0.0),
    ]


def test_operators_without_a_place_are_elsewhere() -> None:
    profile = make_profile(("Conv", "f.0", 5.0), ("Relu", "", 7.0), whole=12.0)
    parts = [part for part in compare_parts([profile], [profile]) if part.kind == "block"]
    assert {part.name: part.base_ns for part in parts} == {"f.0": 5.0, OTHER_PLACES: 7.0, BETWEEN: 0.0}


def test_a_file_without_places_has_parts_by_type_alone() -> None:
    named, nameless = (make_profile(("Conv", block, 5.0), whole=6.0) for block in ("f.0", None))
    assert {part.kind for part in compare_parts([named], [nameless])} == {"operator"}
    assert {part.kind for part in compare_parts([named], [named])} == {"operator", "block"}
