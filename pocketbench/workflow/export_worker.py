"""One process that exports models, a JSON line at a time: `python -m pocketbench.workflow.export_worker`.

A request: {"spec": ModelSpec, "targets": ["onnx:fp32"], "calibration": CalibrationData or null, "folder": "..."}.
Replies, a line each: {"step": target} before a conversion, {"artifact": record text, "fresh": bool} or {"failure":
[exit code, what, cure], "target": target or null}, and {"end": true}. Converters print a lot; all of it goes to stderr,
which the parent keeps as a log.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocketbench.core.errors import PocketbenchError
from pocketbench.core.jsonio import dump_record, from_plain
from pocketbench.core.records import GraphFacts, ModelSpec
from pocketbench.core.targets import CalibrationData, FormatTarget, parse_format_target
from pocketbench.export.naming import scratch_prefix
from pocketbench.profile.probe import probe_artifact
from pocketbench.workflow.cache_keys import find_model_modules, make_graph_key, make_static_key
from pocketbench.workflow.calibration import read_pictures
from pocketbench.workflow.kept_artifacts import find_current_artifact

if TYPE_CHECKING:
    from pocketbench.export.calibration import Calibration
    from pocketbench.workflow.model_forms import ModelForms

Reply = Callable[[dict[str, Any]], None]


def main() -> None:
    # the parent decides when to stop: Ctrl-C reaches the whole process group
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)

    def reply(message: dict[str, Any]) -> None:
        replies.write(json.dumps(message) + "\n")

    for line in sys.stdin:
        request = json.loads(line)
        spec = from_plain(request["spec"], ModelSpec, "request", "spec")
        calibration = from_plain(request["calibration"], CalibrationData | None, "request", "calibration")
        parsed = (parse_format_target(text) for text in request["targets"])
        targets = [replace(item, calibration=calibration) if item.is_calibrated else item for item in parsed]
        export_targets(spec, targets, Path(request["folder"]), reply)
        reply({"end": True})


def export_targets(spec: ModelSpec, targets: Sequence[FormatTarget], folder: Path, reply: Reply) -> None:
    """Build the model once and trace each of its forms once; a target that fails costs only itself."""
    from pocketbench.workflow.model_forms import ModelForms

    pending: list[FormatTarget] = list(targets)
    try:
        reply({"step": "build"})
        forms = ModelForms(spec)
        graph_sha256 = forms.hash_graph() if find_model_modules(spec) is None else None
        with tempfile.TemporaryDirectory(prefix=scratch_prefix(os.getpid()), dir=folder) as twins:
            for target in targets:
                try:
                    export_target(forms, target, graph_sha256, folder, Path(twins), reply)
                except PocketbenchError as error:
                    reply_failure(reply, error, target)
                pending.remove(target)
    except PocketbenchError as error:
        for target in pending:
            reply_failure(reply, error, target)


def export_target(
    forms: ModelForms, target: FormatTarget, graph_sha256: str | None, folder: Path, twins: Path, reply: Reply
) -> None:
    from pocketbench.export.exporter import export_model

    key = make_graph_key(forms.asked, target, graph_sha256) if graph_sha256 else make_static_key(forms.asked, target)
    current = find_current_artifact(forms.asked, target, folder, key)
    if current is not None:
        reply({"artifact": dump_record(current), "fresh": False})
        return
    reply({"step": str(target)})
    artifact = export_model(
        forms.prepare(target.forms),
        forms.built,
        target,
        folder,
        model_facts=forms.model_facts,
        rewriting=forms.rewriting,
        cache_key=key,
        calibration=find_calibration(forms.asked, target),
        twins=twins,
        add_runtime_facts=add_partitions,
    )
    reply({"artifact": dump_record(artifact), "fresh": True})


def find_calibration(spec: ModelSpec, target: FormatTarget) -> Calibration | None:
    """What sets the ranges of the target's activations; None where nothing has to.

    Raises: what read_pictures raises.
    """
    from pocketbench.export.calibration import Calibration, calibrate_randomly

    if not target.is_calibrated:
        return None
    if target.calibration is None:
        return calibrate_randomly(spec.input_shape)
    pictures = read_pictures(target.calibration)
    return Calibration(inputs=pictures.inputs, checks=pictures.checks, record=pictures.record)


def add_partitions(path: Path, facts: GraphFacts) -> GraphFacts:
    """What LiteRT's XNNPACK delegate takes of a TFLite file: the runtime's answer, by its own process."""
    if path.suffix != ".tflite":
        return facts
    found = probe_artifact(path, "litert")
    return replace(
        facts, partition_count=found["partition_count"], outside_delegate_count=found["outside_delegate_count"]
    )


def reply_failure(reply: Reply, error: PocketbenchError, target: FormatTarget) -> None:
    reply({"failure": [error.exit_code, error.what, error.cure], "target": str(target)})


if __name__ == "__main__":
    main()
