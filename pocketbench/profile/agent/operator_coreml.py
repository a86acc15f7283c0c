"""Where Core ML runs each operator, and what it reckons each to cost. Runs on Python 3.9.

Core ML tells no times: its compute plan estimates the share of each operator, which is taken of a measured inference.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from pocketbench.profile.agent.inputs import make_inputs, resolve_shapes
from pocketbench.profile.agent.memory import read_available_bytes
from pocketbench.profile.agent.operator_request import Key, OperatorRuns, UnknownTimes, count_runs, warm_up

UNITS = {"MLCPUComputeDevice": "cpu", "MLGPUComputeDevice": "gpu", "MLNeuralEngineComputeDevice": "npu"}


def profile_operators(engine: Any, path: str, request: Mapping[str, Any]) -> OperatorRuns:
    """Load, run, and ask for the plan.

    Raises: UnknownTimes for a macOS that has no such plan (before 14.4), and for a model that is no ML program.
    """
    inputs = engine.open(path, request["thread_count"])
    sizes = resolve_shapes(inputs, request["shapes"] or {}).sizes
    engine.prepare(sizes)
    invoke = engine.bind(make_inputs(inputs, sizes, request["seed"], read_available_bytes()))
    shares, units = read_plan(engine.compiled_path(), engine.compute_unit())
    run_count = count_runs(request, warm_up(invoke, request["warmup_count"]))
    whole_ns = [warm_up(invoke, 1) for _ in range(run_count)]
    runs = [{key: (round(share * duration_ns), 1) for key, share in shares.items()} for duration_ns in whole_ns]
    return OperatorRuns(runs, whole_ns, {"kind": "coreml"}, units)


def read_plan(compiled_path: str, compute_unit: Any) -> tuple[dict[Key, float], dict[Key, str]]:
    """The share and the unit of each operator that runs; one that Core ML runs nowhere (a constant) is left out."""
    module = importlib.import_module("coremltools.models.compute_plan")
    try:
        plan = module.MLComputePlan.load_from_path(compiled_path, compute_units=compute_unit)
    except (ValueError, RuntimeError) as error:
        raise UnknownTimes(f"its compute plan can't be read ({error})") from error
    program = plan.model_structure.program
    if program is None:
        raise UnknownTimes("its model is no ML program")
    shares: dict[Key, float] = {}
    units: dict[Key, str] = {}
    for operation in _list_operations(program.functions["main"].block):
        usage = plan.get_compute_device_usage_for_mlprogram_operation(operation)
        cost = plan.get_estimated_cost_for_mlprogram_operation(operation)
        if usage is None:
            continue
        name = operation.outputs[0].name if operation.outputs else ""
        key = (len(shares), name, operation.operator_name)
        shares[key] = 0.0 if cost is None else float(cost.weight)
        device = type(usage.preferred_compute_device).__name__
        if device not in UNITS:
            raise UnknownTimes(f"its plan runs {name} on {device}, which is not known")
        units[key] = UNITS[device]
    if not any(shares.values()):
        raise UnknownTimes("its plan estimates no operator")
    return shares, units


def _list_operations(block: Any) -> Iterator[Any]:
    """The operations in order. What a branch or a loop holds counts for it: its plan estimates the whole."""
    yield from block.operations
