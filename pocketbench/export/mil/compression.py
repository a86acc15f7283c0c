"""Weights stored with fewer bits, or without their zeros, and quantised activations."""

from __future__ import annotations

from collections.abc import Callable

import torch

from pocketbench.export.mil.arguments import Arguments, OperationFault, check_size, wrap_axis


def constexpr_affine_dequantize(arguments: Arguments) -> torch.Tensor:
    """scale * (quantized_data - zero_point), scale and zero point of the whole or along the axis."""
    return _dequantize(arguments, "quantized_data")


def dequantize(arguments: Arguments) -> torch.Tensor:
    """scale * (input - zero_point)."""
    return _dequantize(arguments, "input")


def _dequantize(arguments: Arguments, name: str) -> torch.Tensor:
    data = arguments.tensor(name)
    scale, zero_point = _read_scale(arguments, data)
    return scale * (data.float() - zero_point)


def quantize(arguments: Arguments) -> torch.Tensor:
    """clip(round(input / scale) + zero_point), to the range of the result's type."""
    data = arguments.tensor("input")
    scale, zero_point = _read_scale(arguments, data)
    kept = arguments.element("output_dtype").kept
    limits = torch.iinfo(kept)
    return (torch.round(data / scale) + zero_point).clamp(limits.min, limits.max).to(kept)


def _read_scale(arguments: Arguments, data: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Scale and zero point, each a number or a vector along the axis, in a shape that broadcasts with `data`."""
    axis = wrap_axis(arguments.integer("axis", 0), data.ndim)
    given = arguments.optional_tensor("zero_point")
    zero_point = torch.tensor(0.0) if given is None else given.float()
    along_axis = [-1 if place == axis else 1 for place in range(data.ndim)]
    scale, zero_point = (
        value.reshape(along_axis) if value.ndim == 1 and value.numel() > 1 else value.reshape(())
        for value in (arguments.tensor("scale"), zero_point)
    )
    return scale, zero_point


def constexpr_cast(arguments: Arguments) -> torch.Tensor:
    return arguments.tensor("source_val").to(arguments.element("output_dtype").kept)


def constexpr_lut_to_dense(arguments: Arguments) -> torch.Tensor:
    """Each index replaced by what stands there in the look-up table.

    Before iOS 18 one table serves all, and the indices come packed in bytes; since then each block may have a table of
    its own, and an entry may be a vector that is laid out along `vector_axis`.
    """
    if "shape" not in arguments:
        return _look_up(arguments.tensor("indices"), arguments.tensor("lut"), _read_vector_axis(arguments))
    table, shape = arguments.tensor("lut"), check_size(arguments.integers("shape"))
    return table[_unpack(arguments.tensor("indices"), (table.numel() - 1).bit_length(), shape)]


def _read_vector_axis(arguments: Arguments) -> int | None:
    return arguments.integer("vector_axis") if "vector_axis" in arguments else None


def _look_up(indices: torch.Tensor, table: torch.Tensor, vector_axis: int | None) -> torch.Tensor:
    """Shape: indices (*D), table (*blocks, entries, vector) -> (*D), longer along the vector axis."""
    *blocks, entry_count, vector_size = table.shape
    if len(blocks) != indices.ndim:
        raise OperationFault(f"its table has the shape {list(table.shape)}, its indices {list(indices.shape)}")
    block = torch.zeros(indices.shape, dtype=torch.int64)
    for axis, count in enumerate(blocks):
        along_axis = [-1 if place == axis else 1 for place in range(indices.ndim)]
        places = torch.arange(indices.shape[axis]) // (indices.shape[axis] // count)
        block = block * count + places.reshape(along_axis)
    found = table.reshape(-1, vector_size)[block * entry_count + indices.long()]  # (*D, vector)
    if vector_size == 1:
        return found.squeeze(-1)
    if vector_axis is None:
        raise OperationFault("its table holds vectors, and no vector_axis is given")
    axis = wrap_axis(vector_axis, indices.ndim)
    return found.movedim(-1, axis + 1).flatten(axis, axis + 1)


def _unpack(packed: torch.Tensor, bit_count: int, shape: list[int]) -> torch.Tensor:
    """Numbers of `bit_count` bits, packed from the least significant bit of the first byte on."""
    bits = (packed.to(torch.int64)[:, None] >> torch.arange(8)) & 1
    count = torch.Size(shape).numel()
    used = bits.flatten()[: count * bit_count].reshape(count, bit_count)
    return (used << torch.arange(bit_count)).sum(1).reshape(shape)


def constexpr_sparse_to_dense(arguments: Arguments) -> torch.Tensor:
    """The values in order where the mask is set, 0 elsewhere; before iOS 18 the mask comes packed in bytes."""
    values, mask = arguments.tensor("nonzero_data"), arguments.tensor("mask")
    if "shape" in arguments:
        mask = _unpack(mask, 1, check_size(arguments.integers("shape")))
    return _scatter(values, mask)


def _scatter(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    kept = mask != 0
    if int(kept.sum()) != values.numel():
        raise OperationFault(f"its mask keeps {int(kept.sum())} values of {values.numel()}")
    dense = torch.zeros(mask.shape, dtype=values.dtype)
    dense[kept] = values
    return dense


def constexpr_blockwise_shift_scale(arguments: Arguments) -> torch.Tensor:
    """scale * (data - offset), scale and offset of the block that an element belongs to."""
    return _scale_blocks(arguments, arguments.tensor("data"))


def _scale_blocks(arguments: Arguments, data: torch.Tensor) -> torch.Tensor:
    scale, offset = arguments.tensor("scale"), arguments.optional_tensor("offset")
    if scale.ndim != data.ndim or any(size % count for size, count in zip(data.shape, scale.shape, strict=True)):
        raise OperationFault(f"blocks of {list(scale.shape)} do not divide the shape {list(data.shape)}")
    shifted = data.float() if offset is None else data.float() - _spread(offset.float(), data.shape)
    return _spread(scale, data.shape) * shifted


def _spread(blocks: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """Each block's value for all of its elements."""
    for axis, size in enumerate(shape):
        blocks = blocks.repeat_interleave(size // blocks.shape[axis], axis)
    return blocks


def constexpr_lut_to_sparse(arguments: Arguments) -> tuple[torch.Tensor, torch.Tensor]:
    """The look-up of a sparse tensor's indices: its mask, and its values that are kept."""
    mask, vector_axis = arguments.tensor("indices_mask"), _read_vector_axis(arguments)
    table = arguments.tensor("lut")
    dense = _look_up(_scatter(arguments.tensor("indices_nonzero_data"), mask), table, vector_axis)
    if table.shape[-1] > 1:
        mask = mask.repeat_interleave(table.shape[-1], wrap_axis(vector_axis or 0, mask.ndim))
    return mask, dense[mask != 0]


def constexpr_sparse_blockwise_shift_scale(arguments: Arguments) -> tuple[torch.Tensor, torch.Tensor]:
    """The scaling of a sparse tensor's values: its mask, and its values that are kept."""
    mask = arguments.tensor("data_mask")
    return mask, _scale_blocks(arguments, _scatter(arguments.tensor("nonzero_data"), mask))[mask != 0]


OPERATORS: dict[str, Callable[[Arguments], torch.Tensor | tuple[torch.Tensor, ...]]] = {
    "constexpr_affine_dequantize": constexpr_affine_dequantize,
    "constexpr_blockwise_shift_scale": constexpr_blockwise_shift_scale,
    "constexpr_cast": constexpr_cast,
    "constexpr_lut_to_dense": constexpr_lut_to_dense,
    "constexpr_lut_to_sparse": constexpr_lut_to_sparse,
    "constexpr_sparse_blockwise_shift_scale": constexpr_sparse_blockwise_shift_scale,
    "constexpr_sparse_to_dense": constexpr_sparse_to_dense,
    "dequantize": dequantize,
    "quantize": quantize,
}
