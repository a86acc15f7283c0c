"""Small TFLite files to profile, written with the schema that LiteRT ships: a converter would take 10 s each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

Type = schema.TensorType
Code = schema.BuiltinOperator
Options = schema.BuiltinOptions


@dataclass
class Graph:
    """A graph that grows by `tensor` and `operator`; `write` makes a file of it."""

    tensors: list[schema.TensorT] = field(default_factory=list)
    operators: list[schema.OperatorT] = field(default_factory=list)
    buffers: list[schema.BufferT] = field(default_factory=lambda: [schema.BufferT()])
    codes: list[int] = field(default_factory=list)

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        dtype: int = Type.FLOAT32,
        value: np.ndarray | None = None,
        signature: Sequence[int] | None = None,
        scale: float | None = None,
    ) -> int:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type = name.encode(), list(shape), dtype
        tensor.hasRank = True
        if signature is not None:
            tensor.shapeSignature = list(signature)
        if scale is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [0]
        if value is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(value.tobytes(), np.uint8)
            self.buffers.append(buffer)
            tensor.buffer = len(self.buffers) - 1
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def operator(
        self, code: int, inputs: Sequence[int], outputs: Sequence[int], options_type: int = 0, options: object = None
    ) -> None:
        if code not in self.codes:
            self.codes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = self.codes.index(code), list(inputs), list(outputs)
        operator.builtinOptionsType, operator.builtinOptions = options_type, options
        self.operators.append(operator)

    def subgraph(self, name: str, inputs: Sequence[int], outputs: Sequence[int]) -> schema.SubGraphT:
        subgraph = schema.SubGraphT()
        subgraph.tensors, subgraph.operators = self.tensors, self.operators
        subgraph.inputs, subgraph.outputs, subgraph.name = list(inputs), list(outputs), name.encode()
        return subgraph

    def write(
        self, path: Path, inputs: Sequence[int], outputs: Sequence[int], others: Sequence[schema.SubGraphT] = ()
    ) -> Path:
        model = schema.ModelT()
        model.version, model.buffers, model.operatorCodes = 3, self.buffers, []
        model.subgraphs = [self.subgraph("main", inputs, outputs), *others]
        for code in self.codes:
            operator_code = schema.OperatorCodeT()
            operator_code.builtinCode, operator_code.version = code, 1
            operator_code.deprecatedBuiltinCode = min(code, 127)
            model.operatorCodes.append(operator_code)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        path.write_bytes(bytes(builder.Output()))
        return path


def write_add(path: Path, input_count: int = 2, signature: Sequence[int] | None = None) -> Path:
    """y = x0 + x1 + ..., float32"""
    graph = Graph()
    shape = (1, 4)
    names = [graph.tensor(f"x{index}", shape, signature=signature) for index in range(input_count)]
    total = names[0]
    for index, name in enumerate(names[1:]):
        result = graph.tensor(f"y{index}", shape, signature=signature)
        graph.operator(Code.ADD, [total, name], [result], Options.AddOptions, schema.AddOptionsT())
        total = result
    return graph.write(path, names, [total])


def write_cast(path: Path, dtype: int) -> Path:
    """y = float32(x) for an x of any type."""
    graph = Graph()
    source = graph.tensor("x", (2, 3), dtype)
    target = graph.tensor("y", (2, 3))
    options = schema.CastOptionsT()
    options.inDataType, options.outDataType = dtype, Type.FLOAT32
    graph.operator(Code.CAST, [source], [target], Options.CastOptions, options)
    return graph.write(path, [source], [target])


def write_quantized_add(path: Path, dtype: int) -> Path:
    """y = x + x of 8-bit integers with a scale."""
    graph = Graph()
    source = graph.tensor("x", (1, 8), dtype, scale=0.5)
    target = graph.tensor("y", (1, 8), dtype, scale=1.0)
    graph.operator(Code.ADD, [source, source], [target], Options.AddOptions, schema.AddOptionsT())
    return graph.write(path, [source], [target])


def write_split_by_cumsum(path: Path, sum_count: int, width: int = 8) -> Path:
    """ADD, then `sum_count` times a CUMSUM (which XNNPACK does not take) and a MUL: one partition more than CUMSUMs."""
    graph = Graph()
    shape = (1, width)
    axis = graph.tensor("axis", (), Type.INT32, np.array(1, np.int32))
    source = graph.tensor("x", shape)
    last = graph.tensor("a", shape)
    graph.operator(Code.ADD, [source, source], [last], Options.AddOptions, schema.AddOptionsT())
    for index in range(sum_count):
        total = graph.tensor(f"sum{index}", shape)
        graph.operator(Code.CUMSUM, [last, axis], [total], Options.CumsumOptions, schema.CumsumOptionsT())
        last = graph.tensor(f"mul{index}", shape)
        graph.operator(Code.MUL, [total, source], [last], Options.MulOptions, schema.MulOptionsT())
    return graph.write(path, [source], [last])


def write_accumulator(path: Path) -> Path:
    """A stateful graph: s += x; y = s. A second graph, called once, sets s to 0."""
    shape = (1, 4)
    main = Graph()
    setup = Graph(buffers=main.buffers, codes=main.codes)
    zero = setup.tensor("zero", shape, value=np.zeros(shape, np.float32))
    assign = (Options.AssignVariableOptions, schema.AssignVariableOptionsT())
    setup.operator(Code.ASSIGN_VARIABLE, [add_state(setup), zero], [], *assign)

    once = schema.CallOnceOptionsT()
    once.initSubgraphIndex = 1
    main.operator(Code.CALL_ONCE, [], [], Options.CallOnceOptions, once)
    source, old, new = (main.tensor(name, shape) for name in ("x", "old", "new"))
    state = add_state(main)
    main.operator(Code.READ_VARIABLE, [state], [old], Options.ReadVariableOptions, schema.ReadVariableOptionsT())
    main.operator(Code.ADD, [old, source], [new], Options.AddOptions, schema.AddOptionsT())
    main.operator(Code.ASSIGN_VARIABLE, [state, new], [], *assign)
    return main.write(path, [source], [new], [setup.subgraph("setup", [], [])])


def add_state(graph: Graph) -> int:
    handle = graph.tensor("handle", (), Type.RESOURCE)
    options = schema.VarHandleOptionsT()
    options.container, options.sharedName = b"", b"state"
    graph.operator(Code.VAR_HANDLE, [], [handle], Options.VarHandleOptions, options)
    return handle
