"""Models that no engine runs: a gate that sees nothing of a model does not guard it."""

from __future__ import annotations

from pocketbench.core.gate_records import CellKey, CellVerdict
from pocketbench.workflow.gate.request import GateRequest


def list_models_that_ran_nowhere(request: GateRequest, device_id: str) -> list[CellVerdict]:
    """A cell that is missing for each model whose formats no engine of the request takes. Of a byte-identical one
    there is nothing to find out, unless the environments differ; one that failed or is missing was told already."""
    states = ("both", "new", "base_failed", *(("same",) if request.base_python is not None else ()))
    changed = [pair.head for pair in request.pairs if pair.state in states and pair.head is not None]
    run = {artifact.model_name for artifact in changed if request.plans_for(artifact)}
    formats: dict[str, list[str]] = {}
    for artifact in changed:
        if artifact.model_name not in run:
            formats.setdefault(artifact.model_name, []).append(artifact.format)
    engines = ", ".join(dict.fromkeys(plan.engine for plan in request.plans))
    none = f"of the engines ({engines}) none takes" if engines else "no engine that is installed here takes"
    return [
        CellVerdict(
            key=CellKey(model=model, file_name=model, engine=None, thread_count=None, device_id=device_id),
            verdict="missing",
            reason=f"it ran nowhere: {none} {', '.join(dict.fromkeys(names))}",
            base_sha256=None,
            head_sha256=None,
            duel=None,
            checks=(),
            operator_changes=(),
            parts=(),
            base_tools={},
            head_tools={},
        )
        for model, names in formats.items()
    ]
