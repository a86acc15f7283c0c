"""Types of a MIL program: element types by their MIL names, and how each is stored, kept and handed out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementType:
    """One element type.

    `bit_count` is its width in a file; `stored` the numpy type of its bytes there (a type narrower than a byte is
    unpacked into it); `kept` the torch type that the interpreter computes with; `public` what a caller gets.
    """

    name: str
    bit_count: int
    stored: str
    kept: torch.dtype
    public: str

    @property
    def is_float(self) -> bool:
        return self.kept.is_floating_point


def _elements(*rows: tuple[str, int, str, torch.dtype, str]) -> dict[str, ElementType]:
    return {
        name: ElementType(name=name, bit_count=bits, stored=stored, kept=kept, public=public)
        for name, bits, stored, kept, public in rows
    }


# fp16 is kept as float32 that holds float16 values: each result is rounded, nothing is computed in half precision.
# uint16 and uint32 are kept one size wider, because torch has few operators for them.
ELEMENT_TYPES = _elements(
    ("fp16", 16, "<f2", torch.float32, "float16"),
    ("fp32", 32, "<f4", torch.float32, "float32"),
    ("bool", 8, "|b1", torch.bool, "bool"),
    ("int8", 8, "|i1", torch.int8, "int8"),
    ("int16", 16, "<i2", torch.int16, "int16"),
    ("int32", 32, "<i4", torch.int32, "int32"),
    ("int64", 64, "<i8", torch.int64, "int64"),
    ("uint8", 8, "|u1", torch.uint8, "uint8"),
    ("uint16", 16, "<u2", torch.int32, "uint16"),
    ("uint32", 32, "<u4", torch.int64, "uint32"),
    ("int4", 4, "|i1", torch.int8, "int8"),
    ("uint1", 1, "|u1", torch.uint8, "uint8"),
    ("uint2", 2, "|u1", torch.uint8, "uint8"),
    ("uint3", 3, "|u1", torch.uint8, "uint8"),
    ("uint4", 4, "|u1", torch.uint8, "uint8"),
    ("uint6", 6, "|u1", torch.uint8, "uint8"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorType:
    """Element type and shape of a tensor; a dimension that is not fixed is None."""

    element: ElementType
    shape: tuple[int | None, ...]

    def allows(self, shape: Sequence[int]) -> bool:
        """Whether a tensor of that shape is of this type."""
        return len(shape) == len(self.shape) and all(
            size in (None, found) for size, found in zip(self.shape, shape, strict=True)
        )

    @property
    def element_count(self) -> int | None:
        """The number of elements, None when a dimension is not fixed."""
        count = 1
        for size in self.shape:
            if size is None:
                return None
            count *= size
        return count


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedTensor:
    """A name in a program, and the type declared for it: None for what is no tensor."""

    name: str
    type: TensorType | None


def unpack_bits(packed: np.ndarray, element: ElementType, count: int) -> np.ndarray:
    """The first `count` elements of a type narrower than a byte, one a byte.

    Elements follow one another from the least significant bit of the first byte on; one may straddle two bytes.

    Source: coremltools, `constexpr_lut_to_dense` (iOS16), notes.
    """
    bits = np.unpackbits(packed, bitorder="little", count=count * element.bit_count)
    weights = (1 << np.arange(element.bit_count)).astype(np.uint8)
    values: np.ndarray = (bits.reshape(count, element.bit_count) * weights).sum(axis=1, dtype=np.int16)
    if element.stored == "|i1":
        sign = 1 << (element.bit_count - 1)
        values = (values ^ sign) - sign
    return values.astype(element.stored)
