"""Small ONNX files to profile."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT
Argument = tuple[str, int, Sequence[int | str | None] | None]


def write_graph(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[Argument],
    outputs: Sequence[Argument],
    constants: dict[str, np.ndarray] | None = None,
) -> Path:
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(*argument) for argument in inputs],
        [helper.make_tensor_value_info(*argument) for argument in outputs],
        [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    path.write_bytes(model.SerializeToString())
    return path


def write_relu(path: Path, shape: Sequence[int | str | None] = (1, 3, 8, 8), dtype: int = FLOAT) -> Path:
    """y = max(x, 0)"""
    return write_graph(path, [helper.make_node("Relu", ["x"], ["y"])], [("x", dtype, shape)], [("y", dtype, shape)])


def write_conv(path: Path, channel_count: int = 16, side: int = 32) -> Path:
    """A convolution that takes about a millisecond: y = conv(x, w), 3x3."""
    weights = np.random.default_rng(0).standard_normal((channel_count, channel_count, 3, 3)).astype(np.float32)
    shape = (1, channel_count, side, side)
    node = helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])
    return write_graph(path, [node], [("x", FLOAT, shape)], [("y", FLOAT, shape)], {"w": weights})


def write_sum(path: Path, dtypes: Sequence[int], shape: Sequence[int | str | None] = (2, 3)) -> Path:
    """y = the sum of an input of each type, cast to float32."""
    names = [f"x{index}" for index in range(len(dtypes))]
    nodes = [helper.make_node("Cast", [name], [f"{name}_float"], to=FLOAT) for name in names]
    nodes.append(helper.make_node("Sum", [f"{name}_float" for name in names], ["y"]))
    return write_graph(
        path, nodes, [(name, dtype, shape) for name, dtype in zip(names, dtypes, strict=True)], [("y", FLOAT, shape)]
    )


def write_gather(path: Path) -> Path:
    """y = table[ids]: ids outside 0..3 are an error."""
    table = np.arange(12, dtype=np.float32).reshape(4, 3)
    node = helper.make_node("Gather", ["table", "ids"], ["y"])
    return write_graph(path, [node], [("ids", TensorProto.INT64, (1, 5))], [("y", FLOAT, (1, 5, 3))], {"table": table})


def write_sequence(path: Path) -> Path:
    """A list of two tensors as output: no binding can hold it."""
    graph = helper.make_graph(
        [helper.make_node("SequenceConstruct", ["x", "x"], ["pair"])],
        "graph",
        [helper.make_tensor_value_info("x", FLOAT, (2,))],
        [helper.make_tensor_sequence_value_info("pair", FLOAT, (2,))],
    )
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    path.write_bytes(model.SerializeToString())
    return path
