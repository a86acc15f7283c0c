"""One process that exports models, a JSON line at a time: `python -m pocketbench.workflow.export_worker`.

A request: {"spec": ModelSpec, "targets": ["onnx:fp32"], "folder": "..."}. Replies, a line each: {"step": target} before
a conversion, {"artifact": record text, "fresh": bool} or {"failure": [exit code, what, cure], "target": target or
null}, and {"end": true}. Converters print a lot; all of it goes to stderr, which the parent keeps as a log.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocketbench.core.errors import PocketbenchError
from pocketbench.core.jsonio import dump_record, from_plain
from pocketbench.core.records import GraphFacts, ModelSpec
from pocketbench.core.targets import FormatTarget, parse_format_target
from pocketbench.profile.probe import probe_artifact
from pocketbench.workflow.cache_keys import find_model_modules, make_graph_key, make_static_key
from pocketbench.workflow.kept_artifacts import find_current_artifact

if TYPE_CHECKING:
    from pocketbench.export.preparation import PreparedModel

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
        targets = [parse_format_target(text) for text in request["targets"]]
        export_targets(spec, targets, Path(request["folder"]), reply)
        reply({"end": True})


def export_targets(spec: ModelSpec, targets: Sequence[FormatTarget], folder: Path, reply: Reply) -> None:
    """Build and prepare the model once, then export it to each target; a target that fails costs only itself."""
    from pocketbench.export.exporter import export_model

    pending: list[FormatTarget] = list(targets)
    try:
        reply({"step": "build"})
        built, model_facts, prepared = build_and_prepare(spec)
        graph_sha256 = hash_graph(prepared) if find_model_modules(spec) is None else None
        for target in targets:
            key = make_graph_key(spec, target, graph_sha256) if graph_sha256 else make_static_key(spec, target)
            current = find_current_artifact(spec, target, folder, key)
            if current is not None:
                reply({"artifact": dump_record(current), "fresh": False})
            else:
                reply({"step": str(target)})
                try:
                    artifact = export_model(
                        prepared,
                        built,
                        target,
                        folder,
                        model_facts=model_facts,
                        cache_key=key,
                        add_runtime_facts=add_partitions,
                    )
                    reply({"artifact": dump_record(artifact), "fresh": True})
                except PocketbenchError as error:
                    reply_failure(reply, error, target)
            pending.remove(target)
    except PocketbenchError as error:
        for target in pending:
            reply_failure(reply, error, target)


def build_and_prepare(spec: ModelSpec) -> tuple[ModelSpec, Any, PreparedModel]:
    """The spec with the hash of its weights, the model's facts, and the model ready for the converters."""
    from pocketbench.blocks.build import build_model, weights_digest
    from pocketbench.blocks.model_facts import count_model_facts
    from pocketbench.export.preparation import prepare_model

    model = build_model(spec)
    prepared = prepare_model(model, spec.input_shape)
    return replace(spec, weights_sha256=weights_digest(model)), count_model_facts(model, spec.input_shape), prepared


def add_partitions(path: Path, facts: GraphFacts) -> GraphFacts:
    """What LiteRT's XNNPACK delegate takes of a TFLite file: the runtime's answer, by its own process."""
    if path.suffix != ".tflite":
        return facts
    found = probe_artifact(path, "litert")
    return replace(
        facts, partition_count=found["partition_count"], outside_delegate_count=found["outside_delegate_count"]
    )


def hash_graph(prepared: PreparedModel) -> str:
    """What a user's function built: its exported operators and its constants."""
    from pocketbench.blocks.build import weights_digest

    graph_module = prepared.exported.module()
    code = "\n".join(f"{node.op} {node.target} {node.args} {node.kwargs}" for node in prepared.exported.graph.nodes)
    return hashlib.sha256((code + weights_digest(graph_module)).encode()).hexdigest()


def reply_failure(reply: Reply, error: PocketbenchError, target: FormatTarget) -> None:
    reply({"failure": [error.exit_code, error.what, error.cure], "target": str(target)})


if __name__ == "__main__":
    main()
