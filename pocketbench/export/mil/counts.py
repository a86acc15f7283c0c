"""What stands in a program: operators, stored weights, multiply-accumulates."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np

from pocketbench.export.mil.element_types import TensorType
from pocketbench.export.mil.program import Operation, Program
from pocketbench.export.mil.proto_values import Constant

LAYOUT_OPERATORS = frozenset(
    {
        *("reshape", "reshape_like", "flatten2d", "expand_dims", "squeeze", "transpose", "shape"),
        *("concat", "split", "stack", "tile", "reverse", "sliding_windows"),
        *("slice_by_index", "slice_by_size", "crop", "gather", "gather_along_axis", "gather_nd"),
        *("pixel_shuffle", "pixel_unshuffle", "space_to_depth", "depth_to_space", "space_to_batch", "batch_to_space"),
    }
)
"""Operators that move elements and compute nothing."""

DECOMPRESSION_PREFIX = "constexpr_"


def count_operators(program: Program) -> dict[str, int]:
    """Operator -> how often it stands in the program, those in branches and loops too. Constants are none."""
    counts = Counter(operation.kind for operation in _walk(program.operations))
    return dict(sorted(counts.items()))


def count_weights(program: Program) -> int | None:
    """Elements of the stored tensors that operators work with; None when one has no known size.

    Scalars, whole numbers of 32 bits (shapes, axes) and texts are no weights. A compressed weight counts as what it
    unpacks to, not as its tables and indices.
    """
    stored: dict[str, int | None] = {name: _count_stored(item) for name, item in program.constants.items()}
    sizes: dict[str, int | None] = {}
    for operation in _walk(program.operations):
        if operation.kind.startswith(DECOMPRESSION_PREFIX):
            stored |= {item.name: _count_elements(item.type) for item in operation.outputs}
            continue
        for key, items in operation.inputs.items():
            for place, item in enumerate(items):
                if isinstance(item, Constant):
                    sizes[f"{operation.outputs[0].name} {key} {place}"] = _count_stored(item)
                elif item in stored:
                    sizes[item] = stored[item]
    return None if None in sizes.values() else sum(size or 0 for size in sizes.values())


def count_macs(program: Program) -> int | None:
    """Multiply-accumulates of convolutions and matrix products; None when a shape that it needs is not fixed.

    conv: output elements * elements of one filter; conv_transpose: input elements * those; linear, matmul, einsum:
    output elements * length of the sum.
    """
    results = (item for operation in _walk(program.operations) for item in operation.outputs)
    shapes = {item.name: item.type.shape for item in (*program.inputs, *results) if item.type is not None}
    for name, constant in program.constants.items():
        if isinstance(constant.data, np.ndarray):
            shapes[name] = constant.data.shape
    total = 0
    for operation in _walk(program.operations):
        if operation.kind in _COUNTED:
            macs = _count_operation(operation, shapes)
            if macs is None:
                return None
            total += macs
    return total


_COUNTED = {
    "conv": ("x", "weight"),
    "conv_transpose": ("x", "weight"),
    "linear": ("x", "weight"),
    "matmul": ("x", "y"),
    "einsum": ("values", "values"),
}


def _count_operation(operation: Operation, shapes: dict[str, tuple[int | None, ...]]) -> int | None:
    first_key, second_key = _COUNTED[operation.kind]
    first = _find_shape(operation, first_key, 0, shapes)
    second = _find_shape(operation, second_key, -1, shapes)
    declared = operation.outputs[0].type
    result = None if declared is None else _fix_shape(declared.shape)
    if first is None or second is None or result is None or not first or not second:
        return None
    if operation.kind == "conv":
        return math.prod(result) * math.prod(second[1:])
    if operation.kind == "conv_transpose":
        return math.prod(first) * math.prod(second[1:])
    if operation.kind in ("linear", "einsum"):
        return math.prod(result) * first[-1]
    # x (*, M, K), y (*, K, N), either transposed: M * N stand in the result, so K is what remains of x
    rows = result[-2] if len(first) > 1 and len(result) > 1 else 1
    return math.prod(result) * (math.prod(first[-2:]) // max(rows, 1))


def _find_shape(
    operation: Operation, key: str, place: int, shapes: dict[str, tuple[int | None, ...]]
) -> tuple[int, ...] | None:
    items = operation.inputs.get(key, ())
    item = items[place] if items else None
    if isinstance(item, str):
        return _fix_shape(shapes.get(item, (None,)))
    return None


def _fix_shape(shape: tuple[int | None, ...]) -> tuple[int, ...] | None:
    fixed = tuple(size for size in shape if size is not None)
    return fixed if len(fixed) == len(shape) else None


def _count_stored(constant: Constant) -> int:
    element, data = constant.element, constant.data
    if element is None or not isinstance(data, np.ndarray) or data.ndim == 0:
        return 0
    return data.size if element.is_float or (element.bit_count <= 8 and element.name != "bool") else 0


def _count_elements(declared: TensorType | None) -> int | None:
    return None if declared is None else declared.element_count


def _walk(operations: tuple[Operation, ...]) -> Iterator[Operation]:
    for operation in operations:
        yield operation
        yield from _walk(operation.nested)
