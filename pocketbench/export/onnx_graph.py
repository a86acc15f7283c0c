"""What stands in an ONNX file: operators, weights, MACs, inputs and outputs. Needs onnx alone."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import onnx

from pocketbench.core.errors import FileFault
from pocketbench.core.records import GraphFacts, TensorFacts

LAYOUT_OPERATORS = frozenset(
    {
        "Transpose",
        "Reshape",
        "Flatten",
        "Squeeze",
        "Unsqueeze",
        "Slice",
        "Split",
        "Concat",
        "Expand",
        "Tile",
        "Gather",
        "GatherND",
        "GatherElements",
        "DepthToSpace",
        "SpaceToDepth",
        "Shape",
        "Identity",
    }
)
QUANTISING = frozenset({"QuantizeLinear", "DequantizeLinear"})
MAX_PROTO_BYTES = 2**31 - 1
"""protobuf's own limit; larger models need external data, which a phone's file should not."""


def read_model(path: Path) -> onnx.ModelProto:
    """Raises: FileFault when the file is no ONNX model."""
    try:
        if path.stat().st_size > MAX_PROTO_BYTES:
            raise FileFault(f"{path} is larger than 2 GB", "no ONNX file without external data is")
        model = onnx.load(str(path), load_external_data=False)
        onnx.checker.check_model(model)
    except FileFault:
        raise
    except Exception as error:
        raise FileFault(f"{path} is no ONNX model ({error})", "the file is truncated or of another format") from error
    return model


def read_graph_facts(path: Path) -> GraphFacts:
    """Operators, weights, and the MACs of convolutions and matrix products, from the file alone."""
    model = read_model(path)
    initializers = {item.name: item for item in model.graph.initializer}
    inputs = tuple(_describe_tensor(item) for item in model.graph.input if item.name not in initializers)
    outputs = tuple(_describe_tensor(item) for item in model.graph.output)
    counts = Counter(node.op_type for node in model.graph.node if node.op_type != "Constant")
    dynamic = any(size is None for item in (*inputs, *outputs) for size in item.shape)
    return GraphFacts(
        parameter_count=count_weights(model),
        mac_count=None if dynamic else count_macs(model),
        operator_counts=dict(sorted(counts.items())),
        layout_operator_count=sum(count for name, count in counts.items() if name in LAYOUT_OPERATORS),
        partition_count=None,
        outside_delegate_count=None,
        dynamic_shapes=dynamic,
        inputs=inputs,
        outputs=outputs,
    )


def count_weights(model: onnx.ModelProto) -> int:
    """Elements of stored tensors of floats, and of those that a DequantizeLinear reads, without their scales."""
    steps = {name for node in model.graph.node if node.op_type in QUANTISING for name in node.input[1:]}
    quantised = {node.input[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    return sum(
        math.prod(item.dims)
        for item in model.graph.initializer
        if item.name not in steps and (item.name in quantised or _is_weight(item))
    )


def count_macs(model: onnx.ModelProto) -> int | None:
    """Multiply-accumulates of Conv, ConvTranspose, Gemm and MatMul; None when a shape that it needs is unknown."""
    inferred = onnx.shape_inference.infer_shapes(model)
    shapes: dict[str, tuple[int | None, ...]] = {
        item.name: _describe_tensor(item).shape
        for item in (*inferred.graph.value_info, *inferred.graph.input, *inferred.graph.output)
    }
    shapes |= {item.name: tuple(item.dims) for item in model.graph.initializer}
    total = 0
    for node in model.graph.node:
        if node.op_type not in {"Conv", "ConvTranspose", "Gemm", "MatMul"}:
            continue
        first, second, result = (shapes.get(name) for name in (node.input[0], node.input[1], node.output[0]))
        if first is None or second is None or result is None or None in (*first, *second, *result):
            return None
        if node.op_type == "Conv":
            total += math.prod(result) * math.prod(second[1:])  # type: ignore[arg-type]
        elif node.op_type == "ConvTranspose":
            total += math.prod(first) * math.prod(second[1:])  # type: ignore[arg-type]
        else:
            transposed = any(item.name == "transA" and item.i for item in node.attribute)
            depth = first[-2] if transposed else first[-1]
            total += math.prod(result) * int(depth or 0)  # type: ignore[arg-type]
    return total


def _is_weight(tensor: onnx.TensorProto) -> bool:
    """Floating-point or quantised data of any size: shapes and axes are int64."""
    return tensor.data_type not in (onnx.TensorProto.INT64, onnx.TensorProto.INT32, onnx.TensorProto.BOOL)


def _describe_tensor(value: onnx.ValueInfoProto) -> TensorFacts:
    tensor = value.type.tensor_type
    dtype = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
    shape = tuple(item.dim_value if item.HasField("dim_value") else None for item in tensor.shape.dim)
    return TensorFacts(name=value.name, dtype={"float": "float32"}.get(dtype, dtype), shape=shape)
