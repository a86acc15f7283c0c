"""Is a program with compressed weights its twin, with those weights rounded and nothing else?"""

from __future__ import annotations

from collections.abc import Container, Iterator

import numpy as np

from pocketbench.core.errors import ParityError
from pocketbench.export.mil.counts import DECOMPRESSION_PREFIX
from pocketbench.export.mil.interpreter import evaluate_constant
from pocketbench.export.mil.program import Operation, Program
from pocketbench.export.mil.proto_values import Constant
from pocketbench.export.quantised_parity import CURE, compare_weights

SUFFIXES = ("_quantized", "_palettized")
"""What coremltools appends to the name of a constant that it compresses."""


def check_compressed(compressed: Program, twin: Program) -> int:
    """That both have the same operations on the same constants, but for rounded weights.

    Returns: how many weights were compared.

    Raises: ParityError that names the first difference.
    """
    packed: list[Operation] = []
    rest: list[Operation] = []
    for operation in compressed.operations:
        (packed if operation.kind.startswith(DECOMPRESSION_PREFIX) else rest).append(operation)
    renamed = {operation.outputs[0].name: _find_source(operation, twin) for operation in packed}
    sources = frozenset(renamed.values())
    for found, wanted in zip(rest, twin.operations, strict=False):
        sides = _describe(found, compressed, renamed, sources), _describe(wanted, twin, {}, sources)
        if list(sides[0]) != list(sides[1]):
            raise ParityError(f"the program computes {found.outputs[0].name!r} in another way than its twin", CURE)
    if len(rest) != len(twin.operations):
        raise ParityError(f"the program has {len(rest)} operations, its twin {len(twin.operations)}", CURE)
    values, steps, originals = {}, {}, {}
    for operation in packed:
        name = renamed[operation.outputs[0].name]
        source = twin.constants[name].data
        assert isinstance(source, np.ndarray)
        originals[name] = source.astype(np.float64)
        values[name] = evaluate_constant(compressed, operation).astype(np.float64)
        steps[name] = _find_steps(operation, values[name], originals[name])
    return compare_weights(values, steps, originals)


def _find_source(operation: Operation, twin: Program) -> str:
    """The constant of the twin that was compressed."""
    name = operation.outputs[0].name
    for suffix in SUFFIXES:
        if name.endswith(suffix) and name.removesuffix(suffix) in twin.constants:
            return name.removesuffix(suffix)
    raise ParityError(f"the program holds the weight {name!r}, which its twin does not have", CURE)


def _describe(
    operation: Operation, program: Program, renamed: dict[str, str], compressed: Container[str]
) -> Iterator[object]:
    """All that decides what an operation computes; constants by their content, but for those that are compressed."""
    yield operation.kind
    yield [(item.name, item.type) for item in operation.outputs]
    for key, items in sorted(operation.inputs.items()):
        for item in items:
            if isinstance(item, str) and item in renamed:
                yield key, renamed[item], None
                continue
            constant = program.constants.get(item) if isinstance(item, str) else item
            known = isinstance(item, str) and item in compressed
            yield key, item if isinstance(item, str) else "", None if constant is None or known else _content(constant)


def _content(constant: Constant) -> object:
    return constant.data.tobytes() if isinstance(constant.data, np.ndarray) else constant.data


def _find_steps(operation: Operation, values: np.ndarray, source: np.ndarray) -> np.ndarray:
    """The distance of neighbouring numbers; of a palette twice that to the nearest entry, which it must be."""
    if "lut" in operation.inputs:
        [table] = operation.inputs["lut"]
        assert isinstance(table, Constant)
        assert isinstance(table.data, np.ndarray)
        entries = np.sort(table.data.astype(np.float64).ravel())
        places = np.clip(np.searchsorted(entries, source), 1, entries.size - 1)
        nearest = np.minimum(np.abs(source - entries[places - 1]), np.abs(source - entries[places]))
        # k-means rounds its centres to float16 after it has chosen among them
        reach: np.ndarray = 2 * nearest + 2.0**-9 * np.abs(values) + 1e-7
        return reach
    [scale] = operation.inputs["scale"]
    [axis] = operation.inputs["axis"]
    assert isinstance(scale, Constant)
    assert isinstance(axis, Constant)
    assert isinstance(scale.data, np.ndarray)
    assert isinstance(axis.data, np.ndarray)
    along = [-1 if place == int(axis.data) else 1 for place in range(values.ndim)]
    step = scale.data.astype(np.float64).reshape(along if scale.data.size > 1 else ())
    # the scale and the product are rounded to float16, a relative 2^-11 each
    steps: np.ndarray = np.broadcast_to(step, values.shape) + 2.0**-9 * np.abs(values)
    return steps
