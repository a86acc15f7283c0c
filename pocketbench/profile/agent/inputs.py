"""Inputs for a model from its own list of inputs. Runs on Python 3.9; numpy is imported where arrays are made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pocketbench.profile.agent.refusal import Refusal

ITEM_SIZES = {"bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "float16": 2}
ITEM_SIZES.update({"int32": 4, "uint32": 4, "float32": 4, "int64": 8, "uint64": 8, "float64": 8})

# Our array and the runtime's own copy of it.
COPY_COUNT = 2

# What a message proposes for a size that the file leaves open: an example, never used by itself.
EXAMPLE_IMAGE_SIDE = 224
EXAMPLE_LENGTH = 128


class Tensor(NamedTuple):
    """An input or output of a model.

    `dtype` is numpy's name, or the runtime's where numpy has none. A dimension of `shape` is a size, the name of a
    size that the file leaves open, or None for one without a name.
    """

    name: str
    dtype: str
    shape: tuple[int | str | None, ...]


class InputShapes(NamedTuple):
    """The size of each input by name, and the inputs whose batch dimension was open and taken as 1."""

    sizes: dict[str, tuple[int, ...]]
    assumed_batch: list[str]


def resolve_shapes(inputs: Sequence[Tensor], given: Mapping[str, Sequence[int]]) -> InputShapes:
    """A size for each dimension: the file's, the user's, another input's of the same name, or 1 for a batch.

    Raises:
        Refusal: for an input that the model does not have, a size that contradicts the file, or an open dimension
            that is no batch and was not given.
    """
    names = [tensor.name for tensor in inputs]
    for name in given:
        if name not in names:
            raise Refusal("load", f"the model has no input {name!r}; its inputs are: {', '.join(names) or 'none'}")
    symbols: dict[str, int] = {}
    for tensor in inputs:
        if tensor.name in given:
            symbols.update(_match_given(tensor, given[tensor.name]))
    sizes: dict[str, tuple[int, ...]] = {}
    assumed = []
    unknown = []
    for tensor in inputs:
        shape = [symbols.get(size) if isinstance(size, str) else size for size in given.get(tensor.name, tensor.shape)]
        if shape and shape[0] is None:
            shape[0] = 1
            assumed.append(tensor.name)
        sizes[tensor.name] = tuple(size for size in shape if size is not None)
        if len(sizes[tensor.name]) < len(shape):
            unknown.append(tensor)
    if unknown:
        raise Refusal("load", _describe_open_inputs(unknown))
    return InputShapes(sizes, assumed)


def make_inputs(
    inputs: Sequence[Tensor], sizes: Mapping[str, tuple[int, ...]], seed: int, available_bytes: int | None
) -> dict[str, Any]:
    """An array for each input: floats uniform in [0, 1), 8-bit integers over their whole range, wider integers 0 or 1.

    Wider integers are mostly indices (token ids, gather): 0 and 1 exist in any table.

    Raises:
        Refusal: for a type that numpy has not, or inputs larger than the free memory.
    """
    for tensor in inputs:
        if tensor.dtype not in ITEM_SIZES:
            raise Refusal("load", f"input {tensor.name!r} is {tensor.dtype}: such inputs can't be made up")
    claimed = sum(math.prod(sizes[tensor.name]) * ITEM_SIZES[tensor.dtype] for tensor in inputs) * COPY_COUNT
    if available_bytes is not None and claimed > available_bytes:
        shapes = "; ".join(f"{tensor.name}={','.join(map(str, sizes[tensor.name]))}" for tensor in inputs)
        raise Refusal(
            "load", f"the inputs ({shapes}) need {claimed:,} bytes of memory, {available_bytes:,} are available"
        )
    import numpy

    random = numpy.random.default_rng(seed)
    arrays = {}
    for tensor in inputs:
        size = sizes[tensor.name]
        if tensor.dtype.startswith("float"):
            array = random.random(size, dtype=numpy.float32).astype(tensor.dtype)
        elif tensor.dtype in ("int8", "uint8"):
            limits = numpy.iinfo(tensor.dtype)
            array = random.integers(limits.min, limits.max, size, dtype=tensor.dtype, endpoint=True)
        else:
            array = random.integers(0, 2, size).astype(tensor.dtype)
        arrays[tensor.name] = numpy.ascontiguousarray(array).reshape(size)
    return arrays


def _match_given(tensor: Tensor, given: Sequence[int]) -> dict[str, int]:
    """The sizes that `given` settles for the named dimensions of `tensor`."""
    wanted = ",".join(map(str, given))
    if any(size < 1 for size in given):
        raise Refusal("load", f"input {tensor.name!r} can't be {wanted}: a size is 1 or more")
    if not tensor.shape:  # a scalar, or a tensor whose rank the file leaves open: the runtime does not tell which
        return {}
    fixed = [size if isinstance(size, int) else None for size in tensor.shape]
    fits = len(fixed) == len(given) and all(size in (None, given[axis]) for axis, size in enumerate(fixed))
    if not fits:
        raise Refusal("load", f"input {tensor.name!r} is {_format_shape(tensor)} in the file: {wanted} does not fit")
    return {size: given[axis] for axis, size in enumerate(tensor.shape) if isinstance(size, str)}


def _describe_open_inputs(tensors: Sequence[Tensor]) -> str:
    shapes = ", ".join(f"{tensor.name!r} is {_format_shape(tensor)}" for tensor in tensors)
    options = " ".join(f"--shape {tensor.name}={_propose_shape(tensor)}" for tensor in tensors)
    return f"input {shapes}: sizes are open; give them, for example {options}"


def _propose_shape(tensor: Tensor) -> str:
    rank = len(tensor.shape)
    example = []
    for axis, size in enumerate(tensor.shape):
        fallback = 1 if axis == 0 else EXAMPLE_IMAGE_SIDE if rank == 4 else EXAMPLE_LENGTH
        example.append(size if isinstance(size, int) else fallback)
    if rank == 4 and not isinstance(tensor.shape[1], int) and not isinstance(tensor.shape[3], int):
        example[1] = 3
    return ",".join(map(str, example))


def _format_shape(tensor: Tensor) -> str:
    return "[" + ", ".join("?" if size is None else str(size) for size in tensor.shape) + "]"
