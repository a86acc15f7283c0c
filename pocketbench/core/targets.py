"""What to export to: a format at a precision, and the runtime whose cheapest graph forms the attention blocks take.

Written "onnx", "onnx-x86", "coreml:fp32".
"""

from __future__ import annotations

from dataclasses import dataclass

from pocketbench.core.errors import UnknownNameError

PRECISIONS = {"onnx": ("fp32",), "tflite": ("fp32",), "coreml": ("fp16", "fp32")}
"""Format -> its precisions; the first is the one that ships, and the default."""

LOWERINGS = {"onnx": "onnx", "onnx-x86": "onnx", "onnx-arm": "onnx", "tflite": "tflite", "coreml": "coreml"}
"""What a block can be lowered for -> the format that it is written in. That of a format's own name runs anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatTarget:
    """A lowering, and the precision of its format."""

    lowering: str
    precision: str

    @property
    def format(self) -> str:
        return LOWERINGS[self.lowering]

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
