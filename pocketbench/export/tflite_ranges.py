"""The smallest and largest value of every activation of a TFLite file, over the calibration inputs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pocketbench.core.errors import FileFault
from pocketbench.export.tflite_graph import read_model

Ranges = dict[str, tuple[float, float]]


def measure_ranges(path: Path, inputs: Sequence[np.ndarray]) -> Ranges:
    """Tensor -> its range, without XNNPACK: a delegate's inner values can't be read.

    Differs: ai-edge-quantizer's own calibration follows a moving average of each input's range, so that the last inputs
    count most and the extremes are cut off; here every input counts alike.

    Raises: FileFault when the interpreter can't run the file.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    computed = list_computed(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            interpreter = Interpreter(
                model_path=str(path),
                num_threads=1,
                experimental_preserve_all_tensors=True,
                experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            )
            interpreter.allocate_tensors()
            place = interpreter.get_input_details()[0]["index"]
            tensors = [item for item in interpreter.get_tensor_details() if item["name"] in computed]
            lows, highs = np.full(len(tensors), np.inf), np.full(len(tensors), -np.inf)
            for image in inputs:
                interpreter.set_tensor(place, image)
                interpreter.invoke()
                for index, item in enumerate(tensors):
                    value = interpreter.get_tensor(item["index"])
                    if value.size:
                        lows[index] = min(lows[index], value.min())
                        highs[index] = max(highs[index], value.max())
    except Exception as error:
        raise FileFault(f"LiteRT can't run {path.name}: {error}", "the file is damaged or too new") from error
    return {
        item["name"]: (float(low), float(high))
        for item, low, high in zip(tensors, lows, highs, strict=True)
        if np.isfinite(low) and np.isfinite(high)
    }


def list_computed(path: Path) -> set[str]:
    """The names of the file's tensors of floats that are no constants."""
    from ai_edge_litert import schema_py_generated as schema

    [graph] = read_model(path).subgraphs
    results = {index for operator in graph.operators for index in operator.outputs} | set(graph.inputs)
    floats = (graph.tensors[index] for index in results if graph.tensors[index].type == schema.TensorType.FLOAT32)
    return {tensor.name.decode("utf-8", "replace") for tensor in floats}
