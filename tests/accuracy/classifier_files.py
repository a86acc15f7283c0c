"""Files whose class scores are the values of the picture itself, in the order in which they stand in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from onnx import helper

from pocketbench.accuracy.datasets.dataset import ArrayPictures, DataSet, make_dataset
from pocketbench.core.records import Artifact, Preprocessing
from tests.profile.onnx_files import FLOAT, write_graph
from tests.profile.tflite_files import Code, Graph, Options, Type, schema


def write_values(path: Path, shape: Sequence[int | str], trailing: Sequence[int] = ()) -> Path:
    """An ONNX file: scores (N, values), or (N, values, 1, 1) with `trailing` (1, 1)."""
    count = int(np.prod([size for size in shape[1:] if isinstance(size, int)]))
    wanted = np.array([0, count, *trailing], np.int64)
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["y"])]
    return write_graph(
        path, nodes, [("x", FLOAT, shape)], [("y", FLOAT, (shape[0], count, *trailing))], {"shape": wanted}
    )


def write_ratios(path: Path, shape: Sequence[int]) -> Path:
    """x / x: no number (NaN) where x is 0."""
    count = int(np.prod(shape[1:]))
    nodes = [helper.make_node("Div", ["x", "x"], ["z"]), helper.make_node("Flatten", ["z"], ["y"])]
    return write_graph(path, nodes, [("x", FLOAT, shape)], [("y", FLOAT, (shape[0], count))])


def write_tflite_values(
    path: Path, shape: Sequence[int], dtype: int = Type.FLOAT32, scale: float | None = None, zero_point: int = 0
) -> Path:
    graph = Graph()
    wanted = np.array([shape[0], int(np.prod(shape[1:]))], np.int32)
    size = graph.tensor("shape", (2,), Type.INT32, wanted)
    source = graph.tensor("x", shape, dtype, scale=scale)
    target = graph.tensor("y", wanted.tolist(), dtype, scale=scale)
    for index in (source, target):
        if scale is not None:
            graph.tensors[index].quantization.zeroPoint = [zero_point]
    options = schema.ReshapeOptionsT()
    options.newShape = wanted.tolist()
    graph.operator(Code.RESHAPE, [source, size], [target], Options.ReshapeOptions, options)
    return graph.write(path, [source], [target])


def make_artifact(path: Path, model_format: str) -> Artifact:
    return Artifact(
        spec=None,
        format=model_format,
        precision=None,
        file_name=path.name,
        sha256="a" * 64,
        size_bytes=path.stat().st_size,
        parity=None,
        graph_facts=None,
        model_facts=None,
        tools={},
        cache_key=None,
    )


def make_preprocessing(channels: int, height: int, width: int, **changes: object) -> Preprocessing:
    """Values from 0 to 1."""
    fields: dict[str, object] = {
        "size": (height, width),
        "channels": channels,
        "crop": "center",
        "resize": None,
        "interpolation": None,
        "mean": (0.0,) * channels,
        "std": (1.0,) * channels,
    }
    return Preprocessing(**{**fields, **changes})  # type: ignore[arg-type]


def make_pictures(pixels: np.ndarray, labels: Sequence[int], class_count: int | None = None) -> DataSet:
    """Shape: pixels (N, H, W) or (N, H, W, C)."""
    names = [f"class {number}" for number in range(class_count)] if class_count is not None else None
    return make_dataset("bright", "test", ArrayPictures(pixels=pixels, source="bright"), np.array(labels), names)


def draw_spots(places: Sequence[int], height: int, width: int) -> np.ndarray:
    """Black grey pictures with a bright spot at a place, counted row by row. Shape: (N, height, width)."""
    pixels = np.zeros((len(places), height * width), np.uint8)
    pixels[np.arange(len(places)), places] = 200
    return pixels.reshape(-1, height, width)
