"""What each operator of a model takes on this machine, and where in the network it stands."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pocketbench.core.errors import MeasurementFault, MissingPackageError
from pocketbench.core.records import RunPlan
from pocketbench.profile.archive import write_agent_archive
from pocketbench.profile.catalog import ENGINES
from pocketbench.profile.cell import describe_load
from pocketbench.profile.operator_cost import take_off_cost
from pocketbench.profile.operator_onnx_places import find_onnx_places
from pocketbench.profile.operator_tflite_places import find_tflite_places
from pocketbench.profile.plans import check_plan
from pocketbench.profile.runtimes import engine_python, worker_command
from pocketbench.profile.worker import Worker, WorkerFault

WARMUP_COUNT = 5
BETWEEN = "(between operators)"


class UnknownOperatorTimes(MeasurementFault):
    """The runtime, or this release of it, does not tell what its operators take: an answer, where others are faults."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorTime:
    """One operator of the graph that the runtime made of a file.

    `name` is the runtime's, `operator` its type by the runtime ("Conv", "ReorderInput"; XNNPACK's own names inside the
    delegate). `path` leads to the module that it came from (features.3.conv.6.conv1), `block` to the part of the
    network (features.3.conv.6 for an attention block, else features.3); both are "" where that is not known, and None
    for a file that names no places. `time_ns` is for one inference, the median of the runs; `call_count` says how often
    an inference calls it.
    """

    name: str
    operator: str
    path: str | None
    block: str | None
    time_ns: float
    call_count: int


def read_operator_times(
    path: Path,
    engine: str,
    *,
    python: Path | None = None,
    thread_count: int = 1,
    shapes: dict[str, tuple[int, ...]] | None = None,
    run_count: int = 30,
    timeout_s: float = 120.0,
) -> tuple[OperatorTime, ...]:
    """Time each operator in a worker of its own, in the order of execution.

    The times add up to a whole inference without the profiler: the profiler's own cost is taken off
    (`operator_cost.py`), and what passes outside the operators is the last one, "(between operators)".

    Args:
        python: the interpreter for the worker (`runtimes.engine_python`).
        shapes: the sizes of inputs that the file leaves open.

    Raises:
        UnknownOperatorTimes: when the runtime does not tell them.
        UnknownNameError: when no such engine is registered.
        MissingPackageError: when the engine's runtime is not installed.
        MeasurementFault: when the runtime refuses the model, crashes or hangs.
    """
    plan = RunPlan(engine=engine, thread_count=thread_count, shapes=shapes, timeout_s=timeout_s)
    check_plan(plan)
    interpreter = engine_python(engine, python)
    with tempfile.TemporaryDirectory(prefix="pocketbench-") as folder:
        command = worker_command(interpreter, write_agent_archive(Path(folder)))
        request = {
            "do": "operators",
            **describe_load(path, plan),
            "folder": folder,
            "warmup_count": WARMUP_COUNT,
            "run_count": run_count,
        }
        try:
            worker = Worker(command)
            try:
                reply = worker.request(request, timeout_s)
            finally:
                worker.kill()
        except WorkerFault as fault:
            raise _explain(fault, engine, path) from fault
        if "unknown" in reply:
            raise UnknownOperatorTimes(reply["unknown"], "profile with another engine to see where the time goes")
        places = _find_places(reply, path, Path(folder))
    return _make_times(reply, places)


def _find_places(reply: dict[str, Any], path: Path, folder: Path) -> list[tuple[str, str]] | None:
    names = [item["name"] for item in reply["operators"]]
    graph = reply["graph"]
    if graph["kind"] == "tflite":
        return find_tflite_places(names, [item["operator"] for item in reply["operators"]], graph)
    return find_onnx_places(names, path, folder / "optimised.onnx")


def _make_times(reply: dict[str, Any], places: list[tuple[str, str]] | None) -> tuple[OperatorTime, ...]:
    operators = reply["operators"]
    times_ns = take_off_cost(
        [item["time_ns"] for item in operators], [item["call_count"] for item in operators], reply["whole_ns"]
    )
    found = [
        OperatorTime(
            name=item["name"],
            operator=item["operator"],
            path=None if places is None else places[index][0],
            block=None if places is None else places[index][1],
            time_ns=times_ns[index],
            call_count=item["call_count"],
        )
        for index, item in enumerate(operators)
    ]
    nowhere = None if places is None else ""
    between_ns = max(0.0, reply["whole_ns"] - sum(times_ns))
    found.append(OperatorTime(name="", operator=BETWEEN, path=nowhere, block=nowhere, time_ns=between_ns, call_count=1))
    return tuple(found)


def _explain(fault: WorkerFault, engine: str, path: Path) -> MissingPackageError | MeasurementFault:
    failure = fault.failure
    if failure.kind == "missing_package":
        return MissingPackageError(failure.message, ENGINES.entry(engine).install)
    return MeasurementFault(
        f"{engine} can't profile {path.name}: {failure.message}", "check the file, or try another engine"
    )
