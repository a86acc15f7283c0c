"""Operator times of LiteRT with XNNPACK, inside the delegate too. Runs on Python 3.9.

The interpreter of the Python package has no profiler: the model is compiled once more by LiteRT's C library, with the
same number of threads, and must compute the same numbers. XNNPACK's times are whole us, cut off: what takes less
than 1 us reads 0.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pocketbench.profile.agent.delegation import DELEGATE, Node, find_members
from pocketbench.profile.agent.inputs import make_inputs, resolve_shapes
from pocketbench.profile.agent.memory import read_available_bytes
from pocketbench.profile.agent.operator_litert_library import VERSION, Event, LibraryError, ProfiledModel
from pocketbench.profile.agent.operator_request import (
    Key,
    OperatorRuns,
    UnknownTimes,
    choose_whole_clock,
    count_runs,
    warm_up,
)

# TFLite's Profiler::EventType
OPERATOR, DELEGATED = 2, 8
OTHER_KINDS = {1: "default", 4: "delegate operator", 16: "instrumentation", 32: "telemetry"}
NS_PER_US = 1000
SUMMARY_TOTAL = re.compile(r"^Timings \(microseconds\): count=\d+ curr=(\d+)", re.MULTILINE)


def profile_operators(engine: Any, path: str, request: Any) -> OperatorRuns:
    """Time each inference without the profiler and then with it.

    Raises:
        UnknownTimes: for another release than the one whose events are known, for a model that must be resized or that
            has control flow, and where the check against the interpreter fails.
    """
    package = importlib.import_module("ai_edge_litert")
    version = importlib.metadata.version("ai-edge-litert")
    if version != VERSION:
        raise UnknownTimes(f"its profiler is understood in {VERSION} alone")
    inputs = engine.open(path, request["thread_count"])
    sizes = resolve_shapes(inputs, request["shapes"] or {}).sizes
    if sizes != engine.input_sizes():
        raise UnknownTimes("inputs are larger or smaller than in the file, and its profiler takes the file as it is")
    engine.prepare(sizes)
    arrays = make_inputs(inputs, sizes, request["seed"], read_available_bytes())
    engine.bind(arrays)()
    try:
        model = ProfiledModel(str(Path(str(package.__file__)).parent), path, request["thread_count"])
        if model.input_count() != len(inputs):
            raise UnknownTimes(f"its C library sees {model.input_count()} inputs, the interpreter {len(inputs)}")
        for index, tensor in enumerate(inputs):
            model.set_input(index, arrays[tensor.name])
        model.run()
        check_outputs(engine, model)
        check_summary(*model.run_summarised())
        runs, whole_ns = run_model(model, request)
        return OperatorRuns(runs, whole_ns, describe_graph(engine))
    except LibraryError as error:
        raise UnknownTimes(str(error)) from error


def run_model(model: ProfiledModel, request: Any) -> tuple[list[dict[Key, tuple[int, int]]], list[int]]:
    """The operators of each profiled inference, and the time of each without the profiler."""
    runs = []
    whole_ns = []
    clock = choose_whole_clock(request["thread_count"])
    for _ in range(count_runs(request, warm_up(model.run, request["warmup_count"]))):
        model.run()  # reading events leaves cold caches behind
        start = clock()
        model.run()
        whole_ns.append(clock() - start)
        start = time.perf_counter_ns()
        events = model.run_profiled()
        profiled_ns = time.perf_counter_ns() - start
        runs.append(read_events(events))
        total_ns = sum(time_ns for time_ns, _ in runs[-1].values())
        if total_ns > profiled_ns:
            raise UnknownTimes(f"its operators took {total_ns} ns in a call of {profiled_ns} ns")
    if any(list(run) != list(runs[0]) for run in runs):
        raise UnknownTimes("its operators differ from one inference to the next")
    return runs, whole_ns


def read_events(events: Sequence[Event]) -> dict[Key, tuple[int, int]]:
    """Time in ns and calls of each operator of an inference, in the order of execution.

    An operator of XNNPACK is named "XNNPACK partition:number", another "TFLITE number".

    Raises:
        UnknownTimes: for events that are not understood, or that come from inside a control flow operator.
    """
    found: dict[Key, tuple[int, int]] = {}
    partition = -1
    expected = 0
    for event in events:
        if event.kind in OTHER_KINDS:
            continue
        if event.kind == OPERATOR and event.graph_number == 0:
            key = (len(found), f"TFLITE {event.number}", event.tag)
        elif event.kind == DELEGATED and event.number in (0, expected):
            partition += event.number == 0
            expected = event.number + 1
            key = (len(found), f"XNNPACK {partition}:{event.number}", event.tag)
        elif event.kind == OPERATOR:
            raise UnknownTimes("its model has control flow, whose parts are timed twice")
        else:
            raise UnknownTimes(f"its event {event} is not understood")
        found[key] = (event.duration_us * NS_PER_US, 1)
    if not found:
        raise UnknownTimes("its profiler gave no events")
    return found


def check_outputs(engine: Any, model: ProfiledModel) -> None:
    """Raises: UnknownTimes when the C library does not compute what the interpreter computed."""
    import numpy

    expected = engine.read_outputs()
    if model.output_count() != len(expected):
        raise UnknownTimes(f"its C library sees {model.output_count()} outputs, the interpreter {len(expected)}")
    for index, array in enumerate(expected):
        found = numpy.empty_like(array)
        model.read_output(index, found)
        scale = float(numpy.abs(array.astype("float64")).max(initial=0.0))
        if not numpy.allclose(found, array, rtol=1e-4, atol=1e-5 * scale, equal_nan=True):
            raise UnknownTimes("its C library computes other numbers than the interpreter")


def check_summary(events: Sequence[Event], summary: str) -> None:
    """Raises: UnknownTimes when the library's summary of the same events has another total."""
    total_us = sum(time_ns for time_ns, _ in read_events(events).values()) // NS_PER_US
    found = SUMMARY_TOTAL.search(summary)
    if found is None or int(found[1]) != total_us:
        raise UnknownTimes(f"its events have {total_us} us, and its summary says {found and found[1]}")


def describe_graph(engine: Any) -> dict[str, Any]:
    """The file's operators in order: "operator", "name" (of its first output), "weights" (the name of its second
    input), "partition" (None outside XNNPACK)."""
    names = engine.tensor_names()
    own = []
    partitions = []
    for operator in engine.operators():
        inputs, outputs = (frozenset(int(n) for n in operator[side] if n >= 0) for side in ("inputs", "outputs"))
        if operator["op_name"] == DELEGATE:
            partitions.append(Node(inputs, outputs))
            continue
        first, second = operator["outputs"][:1], operator["inputs"][1:2]
        described = {
            "operator": operator["op_name"],
            "name": names.get(int(first[0]), "") if len(first) else "",
            "weights": names.get(int(second[0]), "") if len(second) else "",
        }
        own.append((described, Node(inputs, outputs)))
    members = find_members([node for _, node in own], partitions)
    operators = [{**described, "partition": members.get(index)} for index, (described, _) in enumerate(own)]
    return {"kind": "tflite", "operators": operators, "partition_count": len(partitions)}
