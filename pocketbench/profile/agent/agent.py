"""The worker: loads one model on one engine and times it. `python -m pocketbench.profile.agent.agent`

It reads one JSON object a line from stdin and answers each with one line on stdout, {"data": ...} or
{"error": {"kind", "message"}}, until stdin ends:

    {"do": "versions", "engine"}  versions of an engine's packages
    {"do": "load", "engine": "module:class", "delegate", "path", "thread_count", "core_mask", "shapes", "seed"}
    {"do": "burst", "count"}      wall_ns and cpu_ns of each inference
    {"do": "finish"}              peak_rss_bytes
    {"do": "operators", "folder", "warmup_count", "run_count", and what "load" has}
                                  what each operator takes (`operator_request.py`)
    {"do": "life", "paths": [first, second], "order": [0, 1, 1, 0], "warmup_count", and what "load" has but "path"}
                                  loads two models anew; wall_ns and cpu_ns of each call of `order`, one by one

It runs on Python 3.9 or newer and imports the standard library alone at module level; numpy and the one runtime are
imported on load. With `pocketbench/__init__.py` and the files in the folder `agent` it is complete: so it is sent
to boards, and so it runs on the host.
"""

from __future__ import annotations

import gc
import importlib
import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from pocketbench.profile.agent.inputs import InputShapes, Tensor, make_inputs, resolve_shapes
from pocketbench.profile.agent.memory import read_available_bytes, read_peak_rss_bytes, read_rss_bytes
from pocketbench.profile.agent.refusal import Refusal

CLOCK_READINGS = 1000
PACKAGE_SUFFIX = ".mlpackage"  # the one model that is a folder


class Agent:
    """One model on one engine, from load to finish."""

    def __init__(self) -> None:
        self._invoke: Callable[[], object] | None = None
        self._cpu_clock: Callable[[], int] = time.thread_time_ns

    def load(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Load the model and set its inputs. `load_ns` runs from the file to ready, without importing the runtime."""
        thread_count = request["thread_count"]
        _pin(request["core_mask"])
        engine = _make_engine(request)
        # a runtime that chooses its threads itself computes in others than the one that calls
        single = thread_count == 1 and not getattr(engine, "chooses_threads", False)
        self._cpu_clock = choose_cpu_clock(1 if single else 2)
        path = _check_file(request["path"], engine.suffixes)
        idle_rss_bytes = read_rss_bytes()
        model = open_model(engine, path, request)
        self._invoke = model.invoke
        delegation = engine.delegation()
        return {
            "load_ns": model.load_ns,
            "idle_rss_bytes": idle_rss_bytes,
            "cpu_clock": "thread" if single else "process",
            "clock_resolution_ns": measure_clock_resolution(time.perf_counter_ns),
            "tools": {"python": platform.python_version(), "numpy": _read_numpy_version(), **engine.versions()},
            "inputs": [_describe(tensor) for tensor in model.inputs],
            "outputs": [_describe(tensor) for tensor in engine.outputs()],
            "sizes": model.shapes.sizes,
            "assumed_batch": model.shapes.assumed_batch,
            "operator_counts": None if delegation is None else delegation.operator_counts,
            "partition_count": None if delegation is None else delegation.partition_count,
            "outside_delegate_count": None if delegation is None else delegation.outside_count,
        }

    def life(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Load two models, in this order, and run them in turn. They are gone when this returns."""
        self._invoke = None
        _pin(request["core_mask"])
        invokes = []
        for path in request["paths"]:
            engine = _make_engine(request)
            invokes.append(open_model(engine, _check_file(path, engine.suffixes), request).invoke)
        for _ in range(request["warmup_count"]):
            for invoke in invokes:
                invoke()
        calls = [invokes[index] for index in request["order"]]
        wall_ns, cpu_ns = time_calls(calls, choose_cpu_clock(request["thread_count"]))
        return {"wall_ns": wall_ns, "cpu_ns": cpu_ns}

    def burst(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Run `count` inferences one after another."""
        if self._invoke is None:
            raise Refusal("run", "no model is loaded")
        wall_ns, cpu_ns = time_calls([self._invoke] * request["count"], self._cpu_clock)
        return {"wall_ns": wall_ns, "cpu_ns": cpu_ns}

    def operators(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """What each operator of a model takes (`operator_request.py`)."""
        _pin(request["core_mask"])
        engine = _make_engine(request)
        path = _check_file(request["path"], engine.suffixes)
        module = importlib.import_module("pocketbench.profile.agent.operator_request")
        answer: dict[str, Any] = module.answer_operators(engine, path, request)
        return answer

    def versions(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """What an engine's packages are, and that they and numpy can be imported."""
        versions: dict[str, Any] = _make_engine(request).versions()
        return {**versions, "numpy": _read_numpy_version()}

    def finish(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        return {"peak_rss_bytes": read_peak_rss_bytes()}

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The reply to a request; whatever goes wrong is part of it."""
        kind = "load" if request["do"] == "load" else "run"
        handlers = {
            "load": self.load,
            "burst": self.burst,
            "life": self.life,
            "operators": self.operators,
            "versions": self.versions,
            "finish": self.finish,
        }
        try:
            return {"data": handlers[request["do"]](request)}
        except Refusal as refusal:
            return _error(refusal.kind, refusal.message)
        except Exception as error:  # noqa: BLE001 (a runtime raises what it likes; the host must learn it)
            return _error(kind, f"{type(error).__name__}: {error}")


class Model(NamedTuple):
    """A model that is ready to run."""

    invoke: Callable[[], object]
    inputs: list[Tensor]
    shapes: InputShapes
    load_ns: int


def open_model(engine: Any, path: str, request: Mapping[str, Any]) -> Model:
    """Load `path` and bind its inputs. `load_ns` leaves out the time in which inputs are made up."""
    start = time.perf_counter_ns()
    inputs = engine.open(path, request["thread_count"])
    open_ns = time.perf_counter_ns() - start
    shapes = resolve_shapes(inputs, request["shapes"] or {})
    arrays = make_inputs(inputs, shapes.sizes, request["seed"], read_available_bytes())
    start = time.perf_counter_ns()
    engine.prepare(shapes.sizes)
    load_ns = open_ns + time.perf_counter_ns() - start
    return Model(engine.bind(arrays), inputs, shapes, load_ns)


def choose_cpu_clock(thread_count: int) -> Callable[[], int]:
    """With several threads the calling thread's own CPU time leaves the others out."""
    return time.thread_time_ns if thread_count == 1 else time.process_time_ns


def time_calls(
    calls: Sequence[Callable[[], object]], cpu_clock: Callable[[], int] = time.thread_time_ns
) -> tuple[list[int], list[int]]:
    """Wall and CPU time in ns of each call; the garbage collector rests meanwhile."""
    wall_clock = time.perf_counter_ns
    wall_ns = [0] * len(calls)
    cpu_ns = [0] * len(calls)
    collects = gc.isenabled()
    gc.disable()
    try:
        for index, call in enumerate(calls):
            cpu_start = cpu_clock()
            wall_start = wall_clock()
            call()
            wall_ns[index] = wall_clock() - wall_start
            cpu_ns[index] = cpu_clock() - cpu_start
    finally:
        if collects:
            gc.enable()
    return wall_ns, cpu_ns


def measure_clock_resolution(clock: Callable[[], int]) -> int:
    """The smallest step seen between readings of a clock in ns: what it claims may be finer than what it does."""
    smallest = math.inf
    previous = clock()
    seen = 0
    while seen < CLOCK_READINGS:
        now = clock()
        if now > previous:
            smallest = min(smallest, now - previous)
        seen += 1
        previous = now
    while smallest == math.inf:  # a clock coarser than all those readings together
        now = clock()
        if now > previous:
            smallest = now - previous
    return int(smallest)


def serve(requests: TextIO, replies: TextIO) -> None:
    """Answer each line of `requests` until it ends: then whoever asked is gone."""
    agent = Agent()
    for line in requests:
        replies.write(json.dumps(agent.answer(json.loads(line))) + "\n")
        replies.flush()


def take_streams() -> tuple[TextIO, TextIO]:
    """Our own copies of stdin and stdout; the real ones become empty and stderr, so that a runtime that prints or
    reads can't disturb the protocol."""
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return requests, replies


def main() -> None:
    serve(*take_streams())


def _make_engine(request: Mapping[str, Any]) -> Any:
    module, _, name = request["engine"].partition(":")
    try:
        engine = getattr(importlib.import_module(module), name)()
    except ImportError as error:
        raise Refusal("missing_package", f"{sys.executable}: {error}") from error
    if request.get("delegate") is not None:
        engine.delegate = request["delegate"]
    return engine


def _check_file(path: str, suffixes: tuple[str, ...]) -> str:
    if not path.lower().endswith(suffixes):
        raise Refusal("load", f"{path}: this engine runs files that end in {', '.join(suffixes)}")
    if path.lower().endswith(PACKAGE_SUFFIX):
        if not Path(path).is_dir():
            raise Refusal("load", f"{path}: there is no such folder")
        return path
    if not Path(path).is_file():
        raise Refusal("load", f"{path}: there is no such file")
    if Path(path).stat().st_size == 0:
        raise Refusal("load", f"{path}: the file is empty")
    return path


def _pin(core_mask: int | None) -> None:
    if core_mask is None:
        return
    if not hasattr(os, "sched_setaffinity"):
        raise Refusal("load", f"{platform.system()} does not let a program choose its cores: leave the core mask out")
    cores = {core for core in range(core_mask.bit_length()) if core_mask >> core & 1}
    try:
        os.sched_setaffinity(0, cores)
    except OSError as error:
        raise Refusal("load", f"can't run on the cores of mask {core_mask:x}: {error.strerror}") from error
    missing = cores - os.sched_getaffinity(0)
    if missing:
        raise Refusal("load", f"core mask {core_mask:x}: there is no core {', '.join(map(str, sorted(missing)))}")


def _read_numpy_version() -> str:
    try:
        import numpy
    except ImportError as error:
        raise Refusal("missing_package", f"{sys.executable}: {error}") from error
    return str(numpy.__version__)


def _describe(tensor: Tensor) -> dict[str, Any]:
    shape = [size if isinstance(size, int) else None for size in tensor.shape]
    return {"name": tensor.name, "dtype": tensor.dtype, "shape": shape}


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"error": {"kind": kind, "message": message}}


if __name__ == "__main__":
    main()
