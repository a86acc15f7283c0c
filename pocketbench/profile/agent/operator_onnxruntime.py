"""Operator times of onnxruntime, from the trace that its session profiler writes. Runs on Python 3.9.

Differs: a node's time in the trace holds what the profiler itself does for it (about 3 us); `operators/cost.py` takes
it off on the host.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pocketbench.profile.agent.inputs import make_inputs, resolve_shapes
from pocketbench.profile.agent.memory import read_available_bytes
from pocketbench.profile.agent.operator_request import (
    Key,
    OperatorRuns,
    UnknownTimes,
    choose_whole_clock,
    count_runs,
    warm_up,
)
from pocketbench.profile.agent.refusal import Refusal

NODE_SUFFIX = "_kernel_time"
# older releases time what stands around a node as well
IGNORED_SUFFIXES = ("_fence_before", "_fence_after")
NS_PER_US = 1000


def profile_operators(engine: Any, path: str, request: Mapping[str, Any]) -> OperatorRuns:
    """Run with the session's profiler, end it, and run the same session without.

    The optimised graph and the trace are written to `request["folder"]`: the graph is for the host, the trace is
    removed.
    """
    folder = Path(request["folder"])
    options = engine.make_options(request["thread_count"])
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "trace")
    if path.endswith(".onnx"):
        options.optimized_model_filepath = str(folder / "optimised.onnx")
    inputs = engine.open_with(path, options)
    sizes = resolve_shapes(inputs, request["shapes"] or {}).sizes
    invoke = engine.bind(make_inputs(inputs, sizes, request["seed"], read_available_bytes()))

    warmup_count = request["warmup_count"]
    run_count = count_runs(request, warm_up(invoke, warmup_count))
    for _ in range(run_count):
        invoke()
    trace = Path(engine.end_profiling())
    try:
        with trace.open(encoding="utf-8", errors="surrogateescape") as lines:
            runs = parse_trace(lines)
    finally:
        trace.unlink()
    if len(runs) != warmup_count + run_count:
        raise Refusal("run", f"onnxruntime's trace holds {len(runs)} of {warmup_count + run_count} inferences")
    whole_ns = []
    clock = choose_whole_clock(request["thread_count"])
    for _ in range(run_count):
        start = clock()
        invoke()
        whole_ns.append(clock() - start)
    return OperatorRuns(runs[warmup_count:], whole_ns, {"kind": "onnx"})


def parse_trace(lines: Iterable[str]) -> list[dict[Key, tuple[int, int]]]:
    """The operators of each inference in a trace, a JSON list with one event a line.

    Raises:
        Refusal: names the line that is not understood.
        UnknownTimes: when operators hold others (If, Loop): the time of the holder has what the profiler did for each
            of those, which can't be told from its own.
    """
    runs: list[dict[Key, tuple[int, int]]] = []
    events: list[tuple[int, int, Key]] = []
    for number, line in enumerate(lines, 1):
        text = line.strip().rstrip(",")
        if text in ("[", "]", ""):
            continue
        try:
            event = json.loads(text)
            kind, name, start, duration = event["cat"], event["name"], int(event["ts"]), int(event["dur"])
            if kind == "Node" and name.endswith(NODE_SUFFIX):
                arguments = event["args"]
                key = (int(arguments["node_index"]), name[: -len(NODE_SUFFIX)], str(arguments["op_name"]))
                events.append((start, duration, key))
            elif kind == "Session" and name == "model_run":
                runs.append(add_up_calls(item for item in events if start <= item[0] <= start + duration))
                events = []
            elif kind not in ("Session", "Api") and not name.endswith(IGNORED_SUFFIXES):
                raise ValueError(f"unknown category {kind!r}")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Refusal("run", f"line {number} of onnxruntime's trace is not understood: {text[:120]}") from error
    return runs


def add_up_calls(events: Iterable[tuple[int, int, Key]]) -> dict[Key, tuple[int, int]]:
    """Time in ns and calls of each operator, from (start, duration, key) in us.

    Raises: UnknownTimes, as `parse_trace`.
    """
    found: dict[Key, tuple[int, int]] = {}
    end = 0
    for start, duration, key in sorted(events, key=lambda event: (event[0], event[0] + event[1])):
        if start < end:
            raise UnknownTimes("its model has control flow, whose parts are timed twice")
        end = start + duration
        time_ns, count = found.get(key, (0, 0))
        found[key] = (time_ns + duration * NS_PER_US, count + 1)
    return found
