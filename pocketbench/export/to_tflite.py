"""TFLite: litert-torch; verified by the LiteRT interpreter (ai-edge-litert) with its default XNNPACK delegate."""

from __future__ import annotations

import importlib.metadata
import warnings
from pathlib import Path

import numpy as np
import torch

from pocketbench.core.errors import ConversionError, FileFault
from pocketbench.core.records import Parity
from pocketbench.export.parity import compare_outputs
from pocketbench.export.pool_padding import pad_pools_with_zeros
from pocketbench.export.preparation import PreparedModel
from pocketbench.export.quantised_parity import compare_noise, compare_weights
from pocketbench.export.tflite_graph import read_graph_facts
from pocketbench.export.tflite_quantise import quantise
from pocketbench.export.tflite_weights import name_source, read_weights

__all__ = ["TOLERANCES", "convert", "quantise", "read_graph_facts", "run", "verify", "verify_quantised"]

TOLERANCES = {"fp32": 1e-3}
"""Precision -> the largest relative error of a good file (records.Parity). Measured: up to 3e-5, suite paper."""
NOISE_TOLERANCES = {"fp16": 0.05, "dynamic_int8": 0.5, "int8": 0.5}
"""Precision -> the largest error of a good quantised file, rms (records.Parity)."""


def convert(exported: torch.export.ExportedProgram, path: Path, precision: str) -> None:
    """Write the graph as TFLite. Inputs and outputs keep torch's layout (N, C, H, W).

    Raises:
        ConversionError: when litert-torch can't lower an operator.
        FileFault: when the file can't be written.
    """
    import litert_torch

    if precision not in TOLERANCES:
        raise ConversionError(f"TFLite at {precision} is not written", f"known: {', '.join(TOLERANCES)}")
    example = exported.example_inputs
    assert example is not None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            graph_module = exported.module()
            pad_pools_with_zeros(graph_module)
            model = litert_torch.convert(graph_module, example[0])
    except Exception as error:
        raise ConversionError(
            f"litert-torch can't convert the model: {type(error).__name__}: {error}",
            "the operator that it names has no TFLite form; rewrite that part of the model",
        ) from error
    try:
        model.export(str(path))
    except (OSError, RuntimeError) as error:
        raise FileFault(f"can't write {path}: {error}", "check free space") from error


def run(path: Path, inputs: list[list[np.ndarray]]) -> list[list[np.ndarray]]:
    """Raises: FileFault when the interpreter can't load or run the file."""
    from ai_edge_litert.interpreter import Interpreter

    try:
        interpreter = Interpreter(model_path=str(path))
        interpreter.allocate_tensors()
        places = interpreter.get_input_details()
        results = []
        for values in inputs:
            for place, value in zip(places, values, strict=True):
                interpreter.set_tensor(place["index"], value)
            interpreter.invoke()
            results.append([interpreter.get_tensor(item["index"]) for item in interpreter.get_output_details()])
    except Exception as error:
        raise FileFault(f"LiteRT can't run {path.name}: {error}", "the file is damaged or too new") from error
    return results


def verify(path: Path, prepared: PreparedModel, precision: str) -> Parity:
    """Raises: ParityError when the file's outputs are not the model's, FileFault when it does not run."""
    return compare_outputs(
        prepared.expected,
        run(path, [[image] for image in prepared.inputs]),
        tolerance=TOLERANCES[precision],
        runtime=_name_runtime(),
    )


def verify_quantised(
    path: Path, twin: Path, prepared: PreparedModel, precision: str, tolerance_ratio: float = 1.0
) -> Parity:
    """Raises: ParityError when a weight is not that of `twin`, rounded, or the outputs are too far from the model's;
    FileFault when a file does not run."""
    weights = read_weights(path)
    originals = read_weights(twin).values
    sources = {name: originals[name_source(name)] for name in weights.values if name_source(name) in originals}
    checked = compare_weights(weights.values, weights.steps, sources)
    return compare_noise(
        prepared.expected,
        run(path, [[image] for image in prepared.inputs]),
        tolerance=NOISE_TOLERANCES[precision] * tolerance_ratio,
        runtime=_name_runtime(),
        weights_checked=checked,
    )


def _name_runtime() -> str:
    return f"LiteRT {importlib.metadata.version('ai-edge-litert')} CPU"
