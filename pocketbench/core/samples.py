"""Samples as a few bytes each: a measurement holds hundreds of whole numbers, a report reads millions of them.

A series is packed as a letter for the width of its numbers (B, H, I, Q: unsigned, of 1, 2, 4, 8 bytes; q: signed, of
8), 3 empty bytes, their count (4 bytes), and the numbers, all little-endian. Standard library only.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator, Sequence
from typing import overload

HEAD = struct.Struct("<B3xI")
WIDTHS = {"B": 1, "H": 2, "I": 4, "Q": 8, "q": 8}
_WIDTH_OF = {ord(code): width for code, width in WIDTHS.items()}
IS_NATIVE = sys.byteorder == "little" and all(array(code).itemsize == width for code, width in WIDTHS.items())


class Samples(Sequence[int]):
    """Whole numbers in the bytes that they were stored in; equal to a tuple of the same numbers.

    `packed` is the whole series, head and numbers.
    """

    __slots__ = ("packed",)

    def __init__(self, packed: bytes) -> None:
        self.packed = packed

    @property
    def code(self) -> str:
        """Which of WIDTHS the numbers have."""
        return chr(self.packed[0])

    def to_list(self) -> list[int]:
        """The numbers."""
        if IS_NATIVE:
            return memoryview(self.packed)[HEAD.size :].cast(self.code).tolist()  # type: ignore[call-overload, no-any-return]
        return list(struct.unpack(f"<{len(self)}{self.code}", self.packed[HEAD.size :]))

    def __len__(self) -> int:
        return (len(self.packed) - HEAD.size) // _WIDTH_OF[self.packed[0]]

    def __iter__(self) -> Iterator[int]:
        return iter(self.to_list())

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[int, ...]: ...
    def __getitem__(self, place: int | slice) -> int | tuple[int, ...]:
        found = self.to_list()[place]
        return found if isinstance(found, int) else tuple(found)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Samples):
            return self.packed == other.packed  # one width fits a series: equal numbers are equal bytes
        return isinstance(other, tuple) and tuple(self.to_list()) == other

    def __hash__(self) -> int:
        return hash(tuple(self.to_list()))

    def __repr__(self) -> str:
        return repr(tuple(self.to_list()))


def pack_samples(samples: Sequence[int]) -> bytes | None:
    """The series as bytes, in the narrowest width that holds all its numbers; None where none does."""
    if isinstance(samples, Samples):
        return samples.packed
    code = _choose_width(min(samples, default=0), max(samples, default=0))
    if code is None:
        return None
    return HEAD.pack(ord(code), len(samples)) + struct.pack(f"<{len(samples)}{code}", *samples)


def unpack_samples(packed: bytes, count: int) -> list[Samples]:
    """`count` series that were packed one after the other.

    Raises: ValueError when the bytes are not such series, or others.
    """
    found = []
    place = 0
    for _ in range(count):
        try:
            code, length = HEAD.unpack_from(packed, place)
            end = place + HEAD.size + length * _WIDTH_OF[code]
        except (struct.error, KeyError) as error:
            raise ValueError("no series of samples begins where one should") from error
        if end > len(packed):
            raise ValueError(f"{length} samples should follow, and the bytes end before")
        found.append(Samples(packed[place:end]))
        place = end
    if place != len(packed):
        raise ValueError(f"{len(packed) - place} bytes follow the last sample")
    return found


def _choose_width(least: int, most: int) -> str | None:
    if least >= 0:
        return next((code for code, width in WIDTHS.items() if code != "q" and most < 1 << 8 * width), None)
    return "q" if least >= -(1 << 63) and most < 1 << 63 else None
