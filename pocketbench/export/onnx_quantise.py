"""ONNX files of 8 bits (QDQ), made from one of float32 by onnxruntime's quantiser."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx

from pocketbench.core.errors import ConversionError, FileFault
from pocketbench.export.onnx_graph import read_model


def quantise_to_int8(twin: Path, path: Path, inputs: Sequence[np.ndarray]) -> None:
    """Write `path` from the file `twin`, which is float32.

    Activations and weights have 8 bits with a sign; weights have a scale for each output channel, and ranges are the
    smallest and largest value over `inputs`. Inputs and outputs stay float32.

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
                activation_type=QuantType.QInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
            )
            model = onnx.load(str(made))
    except Exception as error:
        raise ConversionError(
            f"onnxruntime can't quantise the model: {type(error).__name__}: {error}", "export it in float32"
        ) from error
    try:
        path.write_bytes(model.SerializeToString(deterministic=True))
    except OSError as error:
        raise FileFault(f"can't write {path}: {error.strerror or error}", "check free space") from error


def read_weights(path: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The quantised weights of a QDQ file as the numbers that they stand for, and the distance of neighbouring ones;
    by the names of the tensors that they were made from.

    Raises: FileFault when the file is no ONNX model.
    """
    model = read_model(path)
    stored = {item.name: item for item in model.graph.initializer}
    values, steps = {}, {}
    for node in model.graph.node:
        if node.op_type != "DequantizeLinear" or node.input[0] not in stored:
            continue
        data, scale = (onnx.numpy_helper.to_array(stored[name]).astype(np.float64) for name in node.input[:2])
        zero_point = onnx.numpy_helper.to_array(stored[node.input[2]]) if len(node.input) > 2 else np.zeros(())
        axis = next((item.i for item in node.attribute if item.name == "axis"), 1)
        if scale.size > 1:
            along = [-1 if place == axis else 1 for place in range(data.ndim)]
            scale, zero_point = scale.reshape(along), zero_point.reshape(along)
        name = node.input[0].removesuffix("_quantized")
        values[name] = (data - zero_point) * scale
        steps[name] = np.broadcast_to(scale, data.shape)
    return values, steps


def read_floats(path: Path) -> dict[str, np.ndarray]:
    """The constants of a file, by name. Raises: FileFault when it is no ONNX model."""
    return {item.name: onnx.numpy_helper.to_array(item) for item in read_model(path).graph.initializer}


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
