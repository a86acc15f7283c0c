"""Is a half-precision program its single-precision twin, with every constant rounded and nothing else?

Rounding moves the output of a network with random weights by a tenth of what its inputs change in it, or more: a wrong
weight can hide behind that. So a half-precision file is not judged by its output alone. Its twin in single precision is
compared with torch, where errors are small, and the two programs are compared here, exactly.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pocketbench.export.mil.program import Operation, Program
from pocketbench.export.mil.proto_values import Constant

FLOAT_NAMES = ("fp16", "fp32")
LARGEST = 65504.0
SMALLEST_NORMAL = 2.0**-14
"""float16's range. coremltools moves a constant that would leave it to its end: there the two need not be equal."""

NEUTRAL = {"add": 0, "sub": 0, "mul": 1, "real_div": 1}
"""Operator -> the y with which it hands x on."""

Item = str | Constant


def find_difference(half: Program, single: Program) -> str | None:
    """What the half-precision program has that is not the rounded other; None when there is nothing.

    Both are walked from their outputs to their inputs, at once; operations that compute nothing are skipped.
    """
    if len(half.outputs) != len(single.outputs):
        return f"{len(half.outputs)} outputs in place of {len(single.outputs)}"
    graphs = _Graph(half), _Graph(single)
    waiting: list[tuple[Item, Item]] = [
        (first.name, second.name) for first, second in zip(half.outputs, single.outputs, strict=True)
    ]
    seen: set[tuple[str, str]] = set()
    while waiting:
        item, other_item = waiting.pop()
        first, second = graphs[0].resolve(item), graphs[1].resolve(other_item)
        if isinstance(first, Constant) and isinstance(second, Constant):
            difference = _compare_constants(first, second)
        elif isinstance(first, Constant) or isinstance(second, Constant):
            difference = "a constant in place of a computed value"
        elif (first, second) in seen:
            continue
        else:
            seen.add((first, second))
            difference, pairs = _compare_sources(first, second, *(graph.sources.get for graph in graphs))
            waiting += pairs
        if difference is not None:
            return f"{difference} (at {item if isinstance(item, str) else 'an unnamed constant'})"
    return None


class _Graph:
    """Where each value of a program comes from."""

    def __init__(self, program: Program) -> None:
        self._constants = program.constants
        self._types = {item.name: item.type for item in program.inputs}
        self.sources: dict[str, tuple[Operation, int]] = {}
        for operation in program.operations:
            for place, item in enumerate(operation.outputs):
                self.sources[item.name] = operation, place
                self._types[item.name] = item.type

    def resolve(self, item: Item) -> Item:
        """The constant behind a name, or the name of the value behind operations that change nothing but its type.

        coremltools removes such operations, but not where the program's output is their result.
        """
        while isinstance(item, str):
            if item in self._constants:
                return self._constants[item]
            operation, _ = self.sources.get(item, (None, 0))
            source = None if operation is None else self._find_unchanged(operation)
            if source is None:
                return item
            item = source
        return item

    def _find_unchanged(self, operation: Operation) -> str | None:
        """The input that an operation hands on as it is; None when it computes something."""
        sources = operation.inputs.get("x", ())
        source = sources[0] if sources else None
        if not isinstance(source, str) or source not in self._types:
            return None
        before, after = self._types[source], operation.outputs[0].type
        if before is None or after is None or before.shape != after.shape:
            return None
        if operation.kind == "cast":
            return source if {before.element.name, after.element.name} <= set(FLOAT_NAMES) else None
        if operation.kind == "transpose":
            return source if self._is_constant(operation, "perm", np.arange(len(before.shape))) else None
        neutral = NEUTRAL.get(operation.kind)
        return source if neutral is not None and self._is_constant(operation, "y", neutral) else None

    def _is_constant(self, operation: Operation, key: str, value: float | np.ndarray) -> bool:
        [item] = operation.inputs[key]
        constant = self._constants.get(item) if isinstance(item, str) else item
        return constant is not None and isinstance(constant.data, np.ndarray) and bool(np.all(constant.data == value))


Find = Callable[[str], tuple[Operation, int] | None]


def _compare_sources(
    first: str, second: str, find_first: Find, find_second: Find
) -> tuple[str | None, list[tuple[Item, Item]]]:
    """How two values differ in the operation that computes them, and the pairs of inputs to compare next."""
    one, other = find_first(first), find_second(second)
    if one is None or other is None:
        return (None if one is other and first == second else f"{first} in place of {second}"), []
    operations, places = (one[0], other[0]), (one[1], other[1])
    if operations[0].kind != operations[1].kind or places[0] != places[1]:
        return f"{operations[0].kind} in place of {operations[1].kind}", []
    kind, (inputs, other_inputs) = operations[0].kind, (operation.inputs for operation in operations)
    if any(operation.nested for operation in operations):
        return f"{kind} has branches", []
    if {key: len(items) for key, items in inputs.items()} != {key: len(items) for key, items in other_inputs.items()}:
        return f"{kind} has other inputs", []
    return None, [pair for key in inputs for pair in zip(inputs[key], other_inputs[key], strict=True)]


def _compare_constants(half: Constant, single: Constant) -> str | None:
    if not isinstance(half.data, np.ndarray) or not isinstance(single.data, np.ndarray):
        both_floats = half.data in FLOAT_NAMES and single.data in FLOAT_NAMES  # the type that a cast names
        return None if both_floats or half.data == single.data else f"{half.data!r} in place of {single.data!r}"
    if half.data.shape != single.data.shape:
        return f"a constant of shape {list(half.data.shape)} in place of {list(single.data.shape)}"
    if half.element is None or not half.element.is_float:
        return None if np.array_equal(half.data, single.data) else "another constant"
    if half.element.name == "fp32":  # factors of a resizing keep their type
        return None if np.array_equal(half.data, single.data) else "another constant"
    with np.errstate(over="ignore"):
        rounded = single.data.astype(np.float16)
    size = np.abs(single.data)
    beyond = (size < SMALLEST_NORMAL) | (size > LARGEST)
    near_end = np.where(size < SMALLEST_NORMAL, np.abs(half.data) <= SMALLEST_NORMAL, np.abs(half.data) >= LARGEST)
    same = np.where(beyond, near_end, rounded == half.data)
    return None if same.all() else f"{(~same).sum()} of {same.size} values are not the rounded ones"
