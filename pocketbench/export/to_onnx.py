"""ONNX: torch's exporter, then onnxsim; verified by onnxruntime on its CPU provider."""

from __future__ import annotations

import importlib.metadata
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch

from pocketbench.core.errors import ConversionError, FileFault
from pocketbench.core.records import Parity
from pocketbench.export.onnx_graph import MAX_PROTO_BYTES, read_graph_facts
from pocketbench.export.onnx_quantise import quantise_to_int8, read_weights
from pocketbench.export.parity import compare_outputs
from pocketbench.export.preparation import PreparedModel
from pocketbench.export.quantised_parity import compare_noise, compare_weights

__all__ = ["TOLERANCES", "convert", "quantise", "read_graph_facts", "run", "verify", "verify_quantised"]

TOLERANCES = {"fp32": 1e-3}
"""Precision -> the largest relative error of a good file (records.Parity). Measured: up to 3e-5, suite paper."""
NOISE_TOLERANCES = {"int8": 0.5}
"""Precision -> the largest error of a good quantised file, rms (records.Parity)."""
OPSET = 20


def convert(exported: torch.export.ExportedProgram, path: Path, precision: str) -> None:
    """Write the graph as ONNX, simplified, without notes about this machine.

    Raises:
        ConversionError: when an operator has no ONNX form, or onnxsim's result does not check.
        FileFault: when the file can't be written.
    """
    import onnxsim

    if precision not in TOLERANCES:
        raise ConversionError(f"ONNX at {precision} is not written", f"known: {', '.join(TOLERANCES)}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(exported, opset_version=OPSET, dynamo=True, verbose=False, optimize=True)
        assert program is not None
        simplified, agrees = onnxsim.simplify(program.model_proto)
        onnx.checker.check_model(simplified, full_check=True)
    except Exception as error:
        raise ConversionError(
            f"torch.onnx can't export the model: {type(error).__name__}: {error}",
            "the operator that it names has no ONNX form; rewrite that part of the model",
        ) from error
    keep_namespaces(program.model_proto, simplified)
    if not agrees:
        raise ConversionError("onnxsim's result differs from its input", "report the model to onnxsim")
    strip_notes(simplified)
    if simplified.ByteSize() > MAX_PROTO_BYTES:
        raise ConversionError("the model is larger than 2 GB", "ONNX files of that size need external data")
    try:
        path.write_bytes(simplified.SerializeToString(deterministic=True))
    except OSError as error:
        raise FileFault(f"can't write {path}: {error.strerror or error}", "check free space") from error


def keep_namespaces(source: onnx.ModelProto, simplified: onnx.ModelProto) -> None:
    """Give each node of `simplified` the namespace of the node of `source` that made the same tensor.

    onnxsim drops all notes. A node that it made anew stays without.
    """
    places = {
        output: note.value
        for node in source.graph.node
        for note in node.metadata_props
        if note.key == "namespace"
        for output in node.output
    }
    for node in simplified.graph.node:
        found = next((places[output] for output in node.output if output in places), None)
        if found is not None:
            del node.metadata_props[:]
            node.metadata_props.add(key="namespace", value=found)


def strip_notes(model: onnx.ModelProto) -> None:
    """Remove the exporter's notes (stack traces with paths, class names): they differ from machine to machine.

    The module path of a node stays, as its `namespace`: it tells which block an operator came from.
    """
    holders = [model, model.graph, *model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info]
    for holder in (*holders, *model.graph.initializer):
        kept = [(note.key, note.value) for note in holder.metadata_props if note.key == "namespace"]
        del holder.metadata_props[:]
        for key, value in kept:
            holder.metadata_props.add(key=key, value=value)
        holder.doc_string = ""


def run(path: Path, inputs: list[list[np.ndarray]]) -> list[list[np.ndarray]]:
    """Raises: FileFault when onnxruntime can't load or run the file."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        names = [item.name for item in session.get_inputs()]
        return [session.run(None, dict(zip(names, values, strict=True))) for values in inputs]
    except Exception as error:
        raise FileFault(f"onnxruntime can't run {path.name}: {error}", "the file is damaged or too new") from error


def verify(path: Path, prepared: PreparedModel, precision: str) -> Parity:
    """Raises: ParityError when the file's outputs are not the model's, FileFault when it does not run."""
    return compare_outputs(
        prepared.expected,
        run(path, [[image] for image in prepared.inputs]),
        tolerance=TOLERANCES[precision],
        runtime=_name_runtime(),
    )


def quantise(twin: Path, path: Path, precision: str, inputs: Sequence[np.ndarray] | None) -> None:
    """As `quantise_to_int8`, the only one that is written."""
    assert precision == "int8"
    assert inputs is not None
    quantise_to_int8(twin, path, inputs)


def verify_quantised(
    path: Path, twin: Path, prepared: PreparedModel, precision: str, tolerance_ratio: float = 1.0
) -> Parity:
    """Raises: ParityError when a weight is not that of `twin`, rounded, or the outputs are too far from the model's;
    FileFault when a file does not run."""
    values, steps = read_weights(path)
    checked = compare_weights(values, steps, read_weights(twin)[0])
    return compare_noise(
        prepared.expected,
        run(path, [[image] for image in prepared.inputs]),
        tolerance=NOISE_TOLERANCES[precision] * tolerance_ratio,
        runtime=_name_runtime(),
        weights_checked=checked,
    )


def _name_runtime() -> str:
    return f"onnxruntime {importlib.metadata.version('onnxruntime')} CPU"
