"""What to export to: a format and a precision, written "coreml" or "coreml:fp32"."""

from __future__ import annotations

from dataclasses import dataclass

from pocketbench.core.errors import UnknownNameError

PRECISIONS = {"onnx": ("fp32",), "tflite": ("fp32",), "coreml": ("fp16", "fp32")}
"""Format -> its precisions; the first is the one that ships, and the default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatTarget:
    """A format at a precision."""

    format: str
    precision: str

    @property
    def is_default(self) -> bool:
        return self.precision == PRECISIONS[self.format][0]

    def __str__(self) -> str:
        return f"{self.format}:{self.precision}"


def parse_format_target(text: str) -> FormatTarget:
    """ "onnx", "coreml:fp32" as a target.

    Raises: UnknownNameError for another format, or a precision that the format is not written in.
    """
    name, colon, precision = text.strip().partition(":")
    if name not in PRECISIONS:
        raise UnknownNameError("format", name, PRECISIONS)
    if not colon:
        precision = PRECISIONS[name][0]
    if precision not in PRECISIONS[name]:
        raise UnknownNameError(f"{name} precision", precision, PRECISIONS[name])
    return FormatTarget(format=name, precision=precision)
