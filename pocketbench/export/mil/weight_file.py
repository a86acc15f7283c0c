"""The weight file of a package ("blob v2"): a header, then records of 64 bytes that each say where their data is.

Source: apple/coremltools, mlmodel/src/MILBlob/Blob/StorageFormat.hpp and BlobDataType.hpp.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from pocketbench.core.errors import FileFault
from pocketbench.export.mil.element_types import ElementType, unpack_bits
from pocketbench.export.mil.package import DAMAGED_CURE, read_bytes

HEADER = struct.Struct("<II56x")
RECORD = struct.Struct("<IIQQQ32x")
SENTINEL = 0xDEADBEEF
VERSION = 2
ELEMENT_CODES = {
    "fp16": 1,
    "fp32": 2,
    "uint8": 3,
    "int8": 4,
    "int16": 6,
    "uint16": 7,
    "int4": 8,
    "uint1": 9,
    "uint2": 10,
    "uint4": 11,
    "uint3": 12,
    "uint6": 13,
    "int32": 14,
    "uint32": 15,
}


class WeightFile:
    """One weight file, read once. Sizes are checked against the file before an array is made.

    Raises: FileFault when it can't be read or is no such file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._bytes = read_bytes(path)
        header = bytes(self._bytes[: HEADER.size])
        if len(header) < HEADER.size or HEADER.unpack(header)[1] != VERSION:
            raise FileFault(f"{path} is no weight file of version {VERSION}", DAMAGED_CURE)

    def read(self, offset: int, element: ElementType, count: int, name: str) -> np.ndarray:
        """The `count` elements that the record at `offset` describes. Shape: (count,).

        Args:
            name: the constant they belong to, for messages.
        """
        if offset + RECORD.size > len(self._bytes):
            raise self._fault(name, f"begins at byte {offset} of {len(self._bytes)}")
        sentinel, code, size, start, _ = RECORD.unpack(bytes(self._bytes[offset : offset + RECORD.size]))
        if sentinel != SENTINEL:
            raise self._fault(name, f"has no record at byte {offset}")
        if code != ELEMENT_CODES.get(element.name):
            raise self._fault(name, f"is stored as type {code}, the program declares {element.name}")
        needed = -(-count * element.bit_count // 8)
        if size != needed:
            raise self._fault(name, f"holds {size} bytes, its declared shape needs {needed}")
        if start + size > len(self._bytes):
            raise self._fault(name, f"claims bytes {start} to {start + size} of {len(self._bytes)}")
        data = self._bytes[start : start + size]
        if element.bit_count < 8:
            return unpack_bits(data, element, count)
        return np.frombuffer(data, dtype=element.stored, count=count)

    def _fault(self, name: str, problem: str) -> FileFault:
        return FileFault(f"{self.path}: weight {name!r} {problem}", DAMAGED_CURE)
