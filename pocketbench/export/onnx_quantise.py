"""ONNX files of 8 bits (QDQ), made from one of float32 by onnxruntime's quantiser."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx

from pocketbench.core.errors import ConversionError, FileFault
from pocketbench.export.onnx_graph import QUANTISING, read_model


def quantise_to_int8(twin: Path, path: Path, inputs: Sequence[np.ndarray]) -> None:
    """Write `path` from the file `twin`, which is float32.

    Weights have 8 bits with a sign and a scale for each output channel, activations 8 bits without one. With signed
    ones onnxruntime on x86 rewrites most tensors to unsigned, not those that two operators read, and computes every
    convolution between the two kinds in float32: that of a block's gate, for example. And it drops a ReLU that it
    rounds behind, as the lowest step cuts off what is below 0: signed, a ReLU that was 0 for all inputs lets negative
    values pass.

    Ranges are the smallest and largest value over `inputs`. Inputs and outputs stay float32, and scores of classes are
    not rounded.

    Raises:
        ConversionError: when the quantiser refuses the model.
        FileFault: when a file can't be read or written.
    """
    try:
        with _silence(), tempfile.TemporaryDirectory(prefix="pocketbench-") as folder:
            from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

            made = Path(folder) / "quantised.onnx"
            quantize_static(
                str(twin),
                str(made),
                _Reader(twin, inputs),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
            )
            model = onnx.load(str(made))
            leave_scores(model.graph)
    except Exception as error:
        raise ConversionError(
            f"onnxruntime can't quantise the model: {type(error).__name__}: {error}", "export it in float32"
        ) from error
    try:
        path.write_bytes(model.SerializeToString(deterministic=True))
    except OSError as error:
        raise FileFault(f"can't write {path}: {error.strerror or error}", "check free space") from error


def read_weights(path: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The tensors of floats that operators take, as the numbers that they stand for, and the distance of neighbouring
    numbers (0 for those that are stored as floats). Scalars, the ends of a Clip, are left out: the outputs show them.

    By the operator's name and the place among its inputs: the quantiser gives a constant that two operators take to
    each of them under a name of its own.

    Raises: FileFault when the file is no ONNX model.
    """
    graph = read_model(path).graph
    stored = {item.name: item for item in graph.initializer}
    unpacked = {
        node.output[0]: node for node in graph.node if node.op_type == "DequantizeLinear" and node.input[0] in stored
    }
    values: dict[str, np.ndarray] = {}
    steps: dict[str, np.ndarray] = {}
    for node in graph.node:
        if node.op_type in QUANTISING:
            continue
        for place, name in enumerate(node.input):
            key = f"{node.name or node.output[0]} {place}"
            if name in unpacked:
                if stored[unpacked[name].input[0]].dims:
                    values[key], steps[key] = _unpack(unpacked[name], stored)
            elif name in stored and stored[name].dims and stored[name].data_type == onnx.TensorProto.FLOAT:
                values[key] = onnx.numpy_helper.to_array(stored[name])
                steps[key] = np.zeros(values[key].shape)
    return values, steps


def _unpack(node: onnx.NodeProto, stored: Mapping[str, onnx.TensorProto]) -> tuple[np.ndarray, np.ndarray]:
    """What a DequantizeLinear makes of a constant, and the distance of neighbouring numbers."""
    data, scale = (onnx.numpy_helper.to_array(stored[name]).astype(np.float64) for name in node.input[:2])
    has_zero_point = len(node.input) > 2 and node.input[2] in stored
    zero_point = onnx.numpy_helper.to_array(stored[node.input[2]]) if has_zero_point else np.zeros(scale.shape)
    if scale.size > 1:
        axis = next((item.i for item in node.attribute if item.name == "axis"), 1)
        along = [-1 if place == axis % data.ndim else 1 for place in range(data.ndim)]
        scale, zero_point = scale.reshape(along), zero_point.reshape(along)
    return (data - zero_point.astype(np.float64)) * scale, np.broadcast_to(scale, data.shape)


def leave_scores(graph: onnx.GraphProto) -> None:
    """Take the rounding off an output that a Gemm writes, the scores of classes: they have outliers, and in 256 steps
    the best two of a picture fall together. onnxruntime has an 8-bit Gemm that writes floats."""
    makers = {name: node for node in graph.node for name in node.output}
    uses = Counter(name for node in graph.node for name in node.input)
    for output in graph.output:
        unpacks = makers.get(output.name)
        packs = makers.get(unpacks.input[0]) if unpacks and unpacks.op_type == "DequantizeLinear" else None
        layer = makers.get(packs.input[0]) if packs and packs.op_type == "QuantizeLinear" else None
        if (
            unpacks
            and packs
            and layer
            and layer.op_type == "Gemm"
            and uses[packs.output[0]] == uses[packs.input[0]] == 1
        ):
            layer.output[0] = output.name
            graph.node.remove(packs)
            graph.node.remove(unpacks)
    used = {name for node in graph.node for name in node.input}
    for item in [item for item in graph.initializer if item.name not in used]:
        graph.initializer.remove(item)


class _Reader:
    """What the quantiser asks for one input after the other."""

    def __init__(self, twin: Path, inputs: Sequence[np.ndarray]) -> None:
        self._name = read_model(twin).graph.input[0].name
        self._inputs: Iterator[np.ndarray] = iter(inputs)

    def get_next(self) -> dict[str, np.ndarray] | None:
        image = next(self._inputs, None)
        return None if image is None else {self._name: image}

    def __iter__(self) -> _Reader:
        return self

    def __next__(self) -> dict[str, np.ndarray]:
        return {self._name: next(self._inputs)}


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """It prints how it goes on, and recommends a step that was done already."""
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)
