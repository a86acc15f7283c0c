"""What to export to: a format at a precision, and the runtime whose cheapest graph forms the attention blocks take.

Written "onnx", "onnx-x86", "coreml:fp32".
"""

from __future__ import annotations

from dataclasses import dataclass

from pocketbench.core.errors import UnknownNameError
from pocketbench.core.records import Preprocessing

PRECISIONS = {
    "onnx": ("fp32", "int8"),
    "tflite": ("fp32", "fp16", "dynamic_int8", "int8"),
    "coreml": ("fp16", "fp32", "int8_weights", "palette6"),
}
"""Format -> its precisions; the first is the one that ships unless another is asked for.

tflite: fp16 stores weights so; dynamic_int8 also computes with 8 bits, with ranges taken anew from each input; int8 has
fixed ranges, set by calibration, as onnx:int8. coreml: int8_weights and palette6 (64 values a tensor) store weights so
and compute in float16. Inputs and outputs stay float32.
"""

TWINS = {
    ("onnx", "int8"): "fp32",
    ("tflite", "fp16"): "fp32",
    ("tflite", "dynamic_int8"): "fp32",
    ("tflite", "int8"): "fp32",
    ("coreml", "int8_weights"): "fp16",
    ("coreml", "palette6"): "fp16",
}
"""What is made by quantising another file of its format -> the precision of that file, its twin."""

CALIBRATED = frozenset({("onnx", "int8"), ("tflite", "int8")})
"""What needs inputs to set the ranges of activations."""

LOWERINGS = {"onnx": "onnx", "onnx-x86": "onnx", "onnx-arm": "onnx", "tflite": "tflite", "coreml": "coreml"}
"""What a block can be lowered for -> the format that it is written in. That of a format's own name runs anywhere."""

ONNX_INT8 = "onnx:int8"
FORM_TARGETS = (*LOWERINGS, ONNX_INT8)
"""What a block's form is chosen for: in 8 bits onnxruntime's costs are others than in float32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationData:
    """Pictures that a user named for calibration: a data set's name or path, and what becomes of each."""

    data: str
    preprocessing: Preprocessing


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatTarget:
    """A lowering, and the precision of its format. `calibration` is None where none is needed, and for a network of
    random weights, which is calibrated on random inputs."""

    lowering: str
    precision: str
    calibration: CalibrationData | None = None

    @property
    def format(self) -> str:
        return LOWERINGS[self.lowering]

    @property
    def forms(self) -> str:
        """Of `FORM_TARGETS`; a lowering for one kind of processor stays what was asked for."""
        return ONNX_INT8 if str(self) == ONNX_INT8 else self.lowering

    @property
    def twin(self) -> FormatTarget | None:
        """The target whose file this one is quantised from; None for one that is converted from the network."""
        precision = TWINS.get((self.format, self.precision))
        return None if precision is None else FormatTarget(lowering=self.lowering, precision=precision)

    @property
    def is_calibrated(self) -> bool:
        return (self.format, self.precision) in CALIBRATED

    def __str__(self) -> str:
        return f"{self.lowering}:{self.precision}"


def parse_format_target(text: str) -> FormatTarget:
    """ "onnx-x86", "coreml:fp32" as a target.

    Raises: UnknownNameError for another format, or a precision that the format is not written in.
    """
    name, colon, precision = text.strip().partition(":")
    if name not in LOWERINGS:
        raise UnknownNameError("format", name, LOWERINGS)
    known = PRECISIONS[LOWERINGS[name]]
    if not colon:
        precision = known[0]
    if precision not in known:
        raise UnknownNameError(f"{name} precision", precision, known)
    return FormatTarget(lowering=name, precision=precision)
