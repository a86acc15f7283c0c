"""Types and constants of a MIL protobuf message, decoded and checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pocketbench.core.errors import FileFault
from pocketbench.export.mil.element_types import ELEMENT_TYPES, ElementType, TensorType, unpack_bits
from pocketbench.export.mil.package import DAMAGED_CURE, find_weight_file
from pocketbench.export.mil.weight_file import WeightFile

PROTO_ELEMENTS = {
    1: "bool",
    10: "fp16",
    11: "fp32",
    21: "int8",
    22: "int16",
    23: "int32",
    24: "int64",
    25: "int4",
    31: "uint8",
    32: "uint16",
    33: "uint32",
    35: "uint4",
    36: "uint2",
    37: "uint1",
    38: "uint6",
    39: "uint3",
}
"""MIL.proto's DataType -> our name. Text is apart; float64, bfloat16, 8-bit floats and uint64 are not read."""

PROTO_TEXT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A constant: an array of `element`, or a text; `data` is None for what is neither (a list, a table)."""

    element: ElementType | None
    data: np.ndarray | str | None


def read_type(proto: Any) -> TensorType | None:
    """The tensor type of a `ValueType` message; None for a list, a table, a state, or elements not read here."""
    if proto.WhichOneof("type") != "tensorType":
        return None
    tensor = proto.tensorType
    if tensor.dataType not in PROTO_ELEMENTS or tensor.rank != len(tensor.dimensions):
        return None
    shape = tuple(
        int(size.constant.size) if size.WhichOneof("dimension") == "constant" else None for size in tensor.dimensions
    )
    return TensorType(element=ELEMENT_TYPES[PROTO_ELEMENTS[tensor.dataType]], shape=shape)


class ValueReader:
    """Reads the constants of one package; opens each of its weight files once."""

    def __init__(self, package: Path, model_file: Path) -> None:
        self.package = package
        self._model_file = model_file
        self._weight_files: dict[str, WeightFile] = {}

    def read(self, proto: Any, name: str) -> Constant:
        """The constant of a `Value` message.

        Raises: FileFault when it does not hold what its type declares.
        """
        if proto.type.WhichOneof("type") == "tensorType" and proto.type.tensorType.dataType == PROTO_TEXT:
            texts = proto.immediateValue.tensor.strings.values
            return Constant(element=None, data=texts[0] if len(texts) == 1 else None)
        declared = read_type(proto.type)
        if declared is None:
            return Constant(element=None, data=None)
        count = declared.element_count
        if count is None:
            raise self._fault(name, "has a shape that is not fixed")
        element = declared.element
        if proto.WhichOneof("value") == "blobFileValue":
            blob = proto.blobFileValue
            flat = self._weight_file(blob.fileName).read(blob.offset, element, count, name)
        else:
            flat = self._read_immediate(proto.immediateValue, element, count, name)
        return Constant(element=element, data=flat.reshape([size or 0 for size in declared.shape]))

    def _weight_file(self, name: str) -> WeightFile:
        if name not in self._weight_files:
            self._weight_files[name] = WeightFile(find_weight_file(self.package, self._model_file, name))
        return self._weight_files[name]

    def _read_immediate(self, proto: Any, element: ElementType, count: int, name: str) -> np.ndarray:
        if proto.WhichOneof("value") != "tensor" or proto.tensor.WhichOneof("value") in (None, "strings"):
            raise self._fault(name, "has no value")
        field = proto.tensor.WhichOneof("value")
        values = getattr(proto.tensor, field).values
        if field == "bytes":
            needed = math.ceil(count * element.bit_count / 8)
            if len(values) != needed:
                raise self._fault(name, f"holds {len(values)} bytes, its declared shape needs {needed}")
            if element.bit_count < 8:
                return unpack_bits(np.frombuffer(values, np.uint8), element, count)
            return np.frombuffer(bytearray(values), dtype=element.stored)
        if len(values) != count:
            raise self._fault(name, f"holds {len(values)} values, its declared shape needs {count}")
        return np.array(values).astype(element.stored)

    def _fault(self, name: str, problem: str) -> FileFault:
        return FileFault(f"{self.package}: constant {name!r} {problem}", DAMAGED_CURE)
