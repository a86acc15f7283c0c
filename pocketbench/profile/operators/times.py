"""What each operator of a model takes on this machine, and where in the network it stands."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pocketbench.core.errors import MeasurementFault, MissingPackageError
from pocketbench.core.operator_kinds import BETWEEN
from pocketbench.core.records import OperatorTime, RunPlan
from pocketbench.profile.archive import write_agent_archive
from pocketbench.profile.catalog import ENGINES
from pocketbench.profile.cell import describe_load
from pocketbench.profile.operators.cost import find_cost_ns
from pocketbench.profile.operators.onnx_places import find_onnx_places
from pocketbench.profile.operators.places import Place
from pocketbench.profile.operators.tflite_places import find_tflite_places
from pocketbench.profile.plans import check_plan
from pocketbench.profile.runtimes import engine_python, worker_command
from pocketbench.profile.worker import Worker, WorkerFault

WARMUP_COUNT = 5
RUN_COUNT = 30


class UnknownOperatorTimes(MeasurementFault):
    """The runtime, or this release of it, does not tell what its operators take: an answer, where others are faults."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorProfile:
    """A profile as it was taken: `operators` with the profiler's cost in their times, and an inference without it."""

    operators: tuple[OperatorTime, ...]
    whole_ns: float

    @property
    def cost_ns(self) -> float:
        """The profiler's own time for a call of an operator (`operators/cost.py`)."""
        times_ns = [item.time_ns for item in self.operators]
        return find_cost_ns(times_ns, [item.call_count for item in self.operators], self.whole_ns)

    def take_off(self, cost_ns: float) -> tuple[OperatorTime, ...]:
        """The operators without that cost, and what is left of the whole as "(between operators)".

        With the cost of this profile nothing negative is left; with another it may be.
        """
        found = [
            dataclasses.replace(item, time_ns=max(0.0, item.time_ns - item.call_count * cost_ns))
            for item in self.operators
        ]
        nowhere = None if any(item.block is None for item in found) else ""
        left_ns = self.whole_ns - sum(item.time_ns for item in found)
        return (
            *found,
            OperatorTime(
                name="",
                operator=BETWEEN,
                path=nowhere,
                block=nowhere,
                time_ns=left_ns,
                call_count=1,
                is_attention=None if nowhere is None else False,
            ),
        )


def read_operator_times(
    path: Path, plan: RunPlan, *, python: Path | None = None, run_count: int = RUN_COUNT
) -> tuple[OperatorTime, ...]:
    """Time each operator in a worker of its own, in the order of execution.

    The times add up to a whole inference without the profiler: the profiler's own cost is taken off
    (`operators/cost.py`), and what passes outside the operators is the last one, "(between operators)".

    Args:
        plan: its engine, threads and shapes; the rest of it says how a latency is measured.
        python: the interpreter for the worker (`runtimes.engine_python`).

    Raises:
        UnknownOperatorTimes: when the runtime does not tell them.
        UnknownNameError: when no such engine is registered.
        MissingPackageError: when the engine's runtime is not installed.
        MeasurementFault: when the runtime refuses the model, crashes or hangs.
    """
    profile = read_profile(path, plan, python=python, run_count=run_count)
    return profile.take_off(profile.cost_ns)


def read_profile(
    path: Path, plan: RunPlan, *, python: Path | None = None, run_count: int = RUN_COUNT
) -> OperatorProfile:
    """The profile that `read_operator_times` is made of. Raises: as that."""
    check_plan(plan)
    interpreter = engine_python(plan.engine, python)
    with tempfile.TemporaryDirectory(prefix="pocketbench-") as folder:
        command = worker_command(interpreter, write_agent_archive(Path(folder)))
        try:
            worker = Worker(command)
            try:
                reply = worker.request(describe_request(path, plan, folder, run_count), plan.timeout_s)
            finally:
                worker.kill()
        except WorkerFault as fault:
            raise explain_fault(fault, plan.engine, path) from fault
        return make_profile(reply, path, Path(folder))


def describe_request(path: Path, plan: RunPlan, folder: str, run_count: int = RUN_COUNT) -> dict[str, Any]:
    """The worker's request for a profile; `folder` is where it may write, on the machine that it runs on."""
    return {
        "do": "operators",
        **describe_load(path, plan),
        "folder": folder,
        "warmup_count": WARMUP_COUNT,
        "run_count": run_count,
    }


def make_profile(reply: Mapping[str, Any], path: Path, folder: Path) -> OperatorProfile:
    """The profile in a worker's answer.

    Args:
        path: the model file.
        folder: where the worker wrote its graph, or where that was brought to.

    Raises: UnknownOperatorTimes when the runtime does not tell them.
    """
    if "unknown" in reply:
        raise UnknownOperatorTimes(reply["unknown"], "profile with another engine to see where the time goes")
    places = _find_places(reply, path, folder)
    return OperatorProfile(operators=make_operators(reply["operators"], places), whole_ns=reply["whole_ns"])


def make_operators(timed: Sequence[Mapping[str, Any]], places: Sequence[Place] | None) -> tuple[OperatorTime, ...]:
    """The records of a worker's answer.

    Args:
        timed: name, operator, time_ns and call_count of each; compute_unit where the runtime tells it.
        places: one for each; None for a file that names no places.
    """
    nowhere = Place("", "", False)
    found = []
    for item, place in zip(timed, places or [nowhere] * len(timed), strict=True):
        found.append(
            OperatorTime(
                name=item["name"],
                operator=item["operator"],
                path=None if places is None else place.path,
                block=None if places is None else place.block,
                time_ns=item["time_ns"],
                call_count=item["call_count"],
                compute_unit=item.get("compute_unit"),
                is_attention=None if places is None else place.is_attention,
                graph_operator=place.graph_operator,
            )
        )
    return tuple(found)


def _find_places(reply: Mapping[str, Any], path: Path, folder: Path) -> list[Place] | None:
    names = [item["name"] for item in reply["operators"]]
    graph = reply["graph"]
    if graph["kind"] == "tflite":
        return find_tflite_places(names, [item["operator"] for item in reply["operators"]], graph)
    if graph["kind"] == "onnx":
        return find_onnx_places(names, path, folder / "optimised.onnx")
    return None


def explain_fault(fault: WorkerFault, engine: str, path: Path) -> MissingPackageError | MeasurementFault:
    """What stopped a worker, as an error."""
    failure = fault.failure
    if failure.kind == "missing_package":
        return MissingPackageError(failure.message, ENGINES.entry(engine).install)
    return MeasurementFault(
        f"{engine} can't profile {path.name}: {failure.message}", "check the file, or try another engine"
    )
