"""What stands in a TFLite file: operators, weights, MACs, inputs and outputs. Needs ai-edge-litert alone."""

from __future__ import annotations

import math
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from pocketbench.core.errors import FileFault
from pocketbench.core.records import GraphFacts, TensorFacts

LAYOUT_OPERATORS = frozenset(
    {
        "TRANSPOSE",
        "RESHAPE",
        "SQUEEZE",
        "EXPAND_DIMS",
        "SLICE",
        "STRIDED_SLICE",
        "SPLIT",
        "SPLIT_V",
        "CONCATENATION",
        "PACK",
        "UNPACK",
        "BROADCAST_TO",
        "TILE",
        "GATHER",
        "GATHER_ND",
        "SPACE_TO_DEPTH",
        "DEPTH_TO_SPACE",
        "SPACE_TO_BATCH_ND",
        "BATCH_TO_SPACE_ND",
        "SHAPE",
    }
)


def read_model(path: Path) -> Any:
    """The flatbuffer as the schema's object tree (`schema_py_generated.ModelT`).

    Raises: FileFault when the file is no TFLite model.
    """
    from ai_edge_litert import schema_py_generated as schema

    foreign = FileFault(f"{path} is no TFLite model", "the file is truncated or of another format")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileFault(f"can't read {path}: {error.strerror or error}", "check the path") from error
    if data[4:8] != b"TFL3":
        raise foreign
    try:
        model = schema.ModelT.InitFromPackedBuf(data, 0)
    except (struct.error, IndexError, TypeError, ValueError, MemoryError, OverflowError) as error:
        raise foreign from error
    if not model.subgraphs or model.operatorCodes is None:
        raise foreign
    for buffer in model.buffers or ():
        if buffer.offset > 1:  # ai-edge-quantizer appends large buffers behind the flatbuffer
            if buffer.offset + buffer.size > len(data):
                raise foreign
            buffer.data = np.frombuffer(data, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    return model


def read_graph_facts(path: Path) -> GraphFacts:
    """Operators, weights, and the MACs of convolutions and matrix products, from the file alone.

    Partitions are the runtime's answer, not the file's: they stay None here.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = read_model(path)
    graph = model.subgraphs[0]
    counts = Counter(name for subgraph in model.subgraphs for name in name_operators(model, subgraph))
    inputs, outputs = (
        tuple(_describe_tensor(graph.tensors[index], schema) for index in indices)
        for indices in (graph.inputs, graph.outputs)
    )
    return GraphFacts(
        parameter_count=_count_weights(model, schema),
        mac_count=count_macs(model) if len(model.subgraphs) == 1 else None,
        operator_counts=dict(sorted(counts.items())),
        layout_operator_count=sum(count for name, count in counts.items() if name in LAYOUT_OPERATORS),
        partition_count=None,
        outside_delegate_count=None,
        dynamic_shapes=any(size is None for item in (*inputs, *outputs) for size in item.shape),
        inputs=inputs,
        outputs=outputs,
    )


def name_operators(model: Any, graph: Any = None) -> list[str]:
    """The kind of each operator of a graph, the first unless another is given: "CONV_2D", a custom operator's code."""
    from ai_edge_litert import schema_py_generated as schema

    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
    operators = (model.subgraphs[0] if graph is None else graph).operators or ()
    return [_name_operator(model.operatorCodes[operator.opcodeIndex], names) for operator in operators]


def count_macs(model: Any) -> int | None:
    """Multiply-accumulates of convolutions, fully connected layers and matrix products of a one-graph model."""
    graph = model.subgraphs[0]
    total = 0
    for name, operator in zip(name_operators(model), graph.operators or (), strict=True):
        if name not in {"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED", "BATCH_MATMUL", "CONV_3D"}:
            continue
        shapes = [graph.tensors[index].shape for index in (*operator.inputs, *operator.outputs) if index >= 0]
        if any(shape is None for shape in shapes):
            return None
        first, second, result = shapes[0], shapes[1], shapes[-1]
        if name == "TRANSPOSE_CONV":
            data = shapes[2]  # inputs: output shape, weights (O, H, W, I), data (N, H, W, I)
            total += math.prod(map(int, data)) * math.prod(map(int, second[:3]))
        elif name == "DEPTHWISE_CONV_2D":
            total += math.prod(map(int, result)) * int(second[1]) * int(second[2])
        elif name == "BATCH_MATMUL":
            options = operator.builtinOptions
            depth = first[-2] if options is not None and options.adjX else first[-1]
            total += math.prod(map(int, result)) * int(depth)
        else:  # weights are (O, ..., I): every output takes all but the first dimension
            depth = second[-1] if name == "FULLY_CONNECTED" else math.prod(map(int, second[1:]))
            total += math.prod(map(int, result)) * int(depth)
    return total


def _name_operator(code: Any, names: dict[int, str]) -> str:
    # files of before 2020 keep the code in the deprecated field
    value = max(int(code.builtinCode), int(code.deprecatedBuiltinCode))
    if code.customCode:
        return str(code.customCode.decode("utf-8", "replace"))
    return names.get(value, f"OPERATOR_{value}")


def _count_weights(model: Any, schema: Any) -> int:
    """Elements of constant tensors that are no shapes or axes (int32 and int64, unless they are biases of a layer)."""
    integers = {schema.TensorType.INT32, schema.TensorType.INT64, schema.TensorType.BOOL, schema.TensorType.STRING}
    seen: dict[int, int] = {}
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            data = model.buffers[tensor.buffer].data
            quantised_bias = tensor.quantization is not None and tensor.quantization.scale is not None
            if data is None or not len(data) or (tensor.type in integers and not quantised_bias):
                continue
            seen[tensor.buffer] = math.prod(map(int, tensor.shape if tensor.shape is not None else ()))
    return sum(seen.values())


def _describe_tensor(tensor: Any, schema: Any) -> TensorFacts:
    types = {value: name for name, value in vars(schema.TensorType).items() if not name.startswith("_")}
    fixed = [int(size) for size in (tensor.shape if tensor.shape is not None else ())]
    signature = tensor.shapeSignature if tensor.shapeSignature is not None else fixed
    shape = tuple(None if int(size) < 0 else int(size) for size in (signature if len(signature) else fixed))
    name = (tensor.name or b"").decode("utf-8", "replace")
    return TensorFacts(name=name, dtype=types.get(tensor.type, str(tensor.type)).lower(), shape=shape)
