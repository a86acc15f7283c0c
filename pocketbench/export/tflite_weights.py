"""The weights of a TFLite file as the numbers that they stand for, whatever they are stored as."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pocketbench.export.tflite_graph import read_model

HALF_STEP_RATIO = 2.0**-10
"""float16 has 11 significant bits: neighbours differ by at most this part of the value."""
SMALLEST_HALF = 2.0**-24
DUPLICATE = re.compile(r"_duplicated_\d+$")
"""What ai-edge-quantizer appends to the name of a constant that it copies for another operator, with another scale."""


def name_source(name: str) -> str:
    """The constant that a copy was made of; any other name as it is."""
    return DUPLICATE.sub("", name)


@dataclass(frozen=True, kw_only=True)
class Weights:
    """By name; `steps` is the distance of neighbouring numbers for each element, 0 for floats of 32 bits."""

    values: dict[str, np.ndarray]
    steps: dict[str, np.ndarray]


def read_weights(path: Path) -> Weights:
    """Every constant of floats, or of quantised whole numbers.

    Raises: FileFault when the file is no TFLite model.
    """
    from ai_edge_litert import schema_py_generated as schema

    whole = {
        schema.TensorType.INT8: np.int8,
        schema.TensorType.UINT8: np.uint8,
        schema.TensorType.INT32: np.int32,
        schema.TensorType.INT64: np.int64,
    }
    floats = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.FLOAT16: np.float16}
    weights = Weights(values={}, steps={})
    model = read_model(path)
    for tensor in model.subgraphs[0].tensors:
        data = model.buffers[tensor.buffer].data
        if data is None or not len(data):
            continue
        name = tensor.name.decode("utf-8", "replace")
        shape = [int(size) for size in (tensor.shape if tensor.shape is not None else ())]
        if tensor.type in floats:
            value = np.frombuffer(bytes(data), floats[tensor.type]).reshape(shape).astype(np.float64)
            half = tensor.type == schema.TensorType.FLOAT16
            weights.values[name] = value
            weights.steps[name] = np.maximum(np.abs(value) * HALF_STEP_RATIO, SMALLEST_HALF) if half else 0 * value
        elif tensor.type in whole and tensor.quantization is not None and tensor.quantization.scale is not None:
            value = np.frombuffer(bytes(data), whole[tensor.type]).reshape(shape).astype(np.float64)
            scale, zero_point = (_spread(values, tensor.quantization, value.ndim) for values in _read_scale(tensor))
            weights.values[name] = (value - zero_point) * scale
            weights.steps[name] = np.broadcast_to(scale, value.shape)
    return weights


def _read_scale(tensor: Any) -> tuple[np.ndarray, np.ndarray]:
    scale = np.asarray(tensor.quantization.scale, np.float64)
    return scale, np.asarray(tensor.quantization.zeroPoint, np.float64)


def _spread(values: np.ndarray, quantization: Any, rank: int) -> np.ndarray:
    """One value, or one along the quantised dimension, in a shape that broadcasts."""
    if values.size == 1:
        return values.reshape(())
    return values.reshape([-1 if axis == quantization.quantizedDimension else 1 for axis in range(rank)])
