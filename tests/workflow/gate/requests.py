"""Requests of the gate around pairs that a test made up, and workers that never start."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pocketbench.core.records import Artifact
from pocketbench.profile.duel.arena import DuelPlan
from pocketbench.profile.duel.side import SideFacts
from pocketbench.workflow.gate.pairing import pair_files
from pocketbench.workflow.gate.request import GateRequest
from tests.workflow.gate.artifacts import make_artifact

LITERT = DuelPlan(engine="litert")
ONNXRUNTIME = DuelPlan(engine="onnxruntime")


def make_file(file_name: str, content: str = "a") -> Artifact:
    """A file whose format its name tells; nothing is known of its graph but for .tflite."""
    model_format = {"onnx": "onnx", "tflite": "tflite", "mlpackage": "coreml"}[file_name.rpartition(".")[2]]
    return make_artifact(file_name=file_name, format=model_format, sha256=content * 64)


def make_request(base: Sequence[Artifact], head: Sequence[Artifact], **changes: Any) -> GateRequest:
    failures = {key: changes.pop(key) for key in ("base_failures", "head_failures") if key in changes}
    values: dict[str, Any] = {
        "base": "old",
        "head": "new",
        "pairs": tuple(pair_files(base, head, **failures)),
        "base_paths": {item.file_name: Path("old") / item.file_name for item in base},
        "head_paths": {item.file_name: Path("new") / item.file_name for item in head},
        "plans": (LITERT, ONNXRUNTIME),
    }
    return GateRequest(**(values | changes))


def make_side(**changes: Any) -> SideFacts:
    values: dict[str, Any] = {
        "tools": {"python": "3.11.0", "ai-edge-litert": "2.3.0"},
        "inputs": (("float32", (1, 3, 8, 8)),),
        "partition_count": None,
        "outside_delegate_count": None,
        "peak_rss_bytes": 50_000_000,
        "load_medians_ns": (),
    }
    return SideFacts(**(values | changes))
