"""Records of model files, as short as a test wants them."""

from __future__ import annotations

from typing import Any

from pocketbench.core.records import Artifact, GraphFacts, Parity, TensorFacts

IMAGE = TensorFacts(name="x", dtype="float32", shape=(1, 3, 8, 8))
SCORES = TensorFacts(name="y", dtype="float32", shape=(1, 10))


def make_facts(**changes: Any) -> GraphFacts:
    values: dict[str, Any] = {
        "parameter_count": 1000,
        "mac_count": 50_000,
        "operator_counts": {"ADD": 2, "CONV_2D": 3},
        "layout_operator_count": 1,
        "partition_count": 1,
        "outside_delegate_count": 0,
        "dynamic_shapes": False,
        "inputs": (IMAGE,),
        "outputs": (SCORES,),
    }
    return GraphFacts(**(values | changes))


def make_parity(error: float, tolerance: float = 1e-3) -> Parity:
    return Parity(
        reference="torch",
        runtime="LiteRT",
        input_count=4,
        max_abs_error=error,
        relative_error=error,
        relative_tolerance=tolerance,
        output_spread_ratio=0.5,
    )


def make_artifact(
    *, facts: GraphFacts | None = None, parity: Parity | None = None, bare: bool = False, **changes: Any
) -> Artifact:
    """A TFLite file of 1 MB. Args: bare: nothing is known of its graph."""
    values: dict[str, Any] = {
        "spec": None,
        "format": "tflite",
        "precision": "fp32",
        "file_name": "net.tflite",
        "sha256": "0" * 64,
        "size_bytes": 1_000_000,
        "parity": parity,
        "graph_facts": None if bare else facts or make_facts(),
        "model_facts": None,
        "tools": {},
        "cache_key": None,
    }
    return Artifact(**(values | changes))
