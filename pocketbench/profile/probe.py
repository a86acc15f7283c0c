"""What a runtime makes of a model file, without measuring it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from pocketbench.core.errors import MeasurementFault, MissingPackageError
from pocketbench.core.records import RunPlan
from pocketbench.profile.archive import write_agent_archive
from pocketbench.profile.catalog import ENGINES
from pocketbench.profile.cell import describe_load
from pocketbench.profile.plans import check_plan
from pocketbench.profile.runtimes import engine_python, worker_command
from pocketbench.profile.worker import Worker, WorkerFault

FACTS = ("inputs", "outputs", "operator_counts", "partition_count", "outside_delegate_count", "tools")


def probe_artifact(
    path: Path,
    engine: str,
    *,
    shapes: dict[str, tuple[int, ...]] | None = None,
    python: Path | None = None,
    timeout_s: float = 120.0,
) -> dict[str, Any]:
    """Load a model in a worker of its own, so that a crash of the runtime is an error here and nothing worse.

    Args:
        shapes: the sizes of inputs that the file leaves open.
        python: the interpreter for the worker (`runtimes.engine_python`).

    Returns:
        "inputs" and "outputs" (a list of "name", "dtype", "shape"; a size that the file leaves open is None);
        "operator_counts", "partition_count", "outside_delegate_count" (of the graph's main part and LiteRT's XNNPACK
        delegate; None for an engine without a delegate); "tools" (package: version).

    Raises:
        UnknownNameError: when no such engine is registered.
        MissingPackageError: when the engine's runtime is not installed.
        MeasurementFault: when the runtime refuses the model, crashes or hangs.
    """
    plan = RunPlan(engine=engine, shapes=shapes, timeout_s=timeout_s)
    check_plan(plan)
    interpreter = engine_python(engine, python)
    with tempfile.TemporaryDirectory(prefix="pocketbench-") as folder:
        command = worker_command(interpreter, write_agent_archive(Path(folder)))
        try:
            worker = Worker(command)
            try:
                facts = worker.request({"do": "load", **describe_load(path, plan)}, timeout_s)
            finally:
                worker.kill()
        except WorkerFault as fault:
            failure = fault.failure
            if failure.kind == "missing_package":
                raise MissingPackageError(failure.message, ENGINES.entry(engine).install) from fault
            raise MeasurementFault(
                f"{engine} can't load {path.name}: {failure.message}", "check the file, or try another engine"
            ) from fault
    return {name: facts[name] for name in FACTS}
