"""Operators that take elements of a tensor by position: slices, crops, gathers."""

from __future__ import annotations

from collections.abc import Callable

import torch

from pocketbench.export.mil.arguments import Arguments, OperationFault, wrap_axis

FIRST_IOS_WITHOUT_NEGATIVE_INDICES = 17


def slice_by_index(arguments: Arguments) -> torch.Tensor:
    """x[begin:end:stride] in each dimension, as numpy reads it.

    A begin or end that is masked is not given; a dimension in `squeeze_mask` gives the one element at begin, and goes.
    """
    x, begins, ends = arguments.tensor("x"), arguments.integers("begin"), arguments.integers("end")
    strides = arguments.integers("stride", [1] * x.ndim)
    unmasked = [0] * x.ndim
    masks = [arguments.integers(name, unmasked) for name in ("begin_mask", "end_mask", "squeeze_mask")]
    squeezed = []
    for axis, (begin, end, stride, no_begin, no_end, squeezes) in enumerate(
        zip(begins, ends, strides, *masks, strict=True)
    ):
        size = x.shape[axis]
        if squeezes:
            place = wrap_axis(0 if no_begin else begin, size)
            x = x.narrow(axis, place, 1)
            squeezed.append(axis)
            continue
        places = range(*slice(None if no_begin else begin, None if no_end else end, stride).indices(size))
        x = _take(x, axis, places)
    return x.squeeze(squeezed) if squeezed else x


def _take(x: torch.Tensor, axis: int, places: range) -> torch.Tensor:
    """The elements at `places` along the axis."""
    if places == range(x.shape[axis]):
        return x
    return x.index_select(axis, torch.tensor(places, dtype=torch.int64))


def slice_by_size(arguments: Arguments) -> torch.Tensor:
    """`size` elements from `begin` on in each dimension; -1 takes the rest."""
    x = arguments.tensor("x")
    begins, sizes = arguments.integers("begin"), arguments.integers("size")
    for axis, (begin, size) in enumerate(zip(begins, sizes, strict=True)):
        start = begin + x.shape[axis] if begin < 0 else begin
        x = x.narrow(axis, start, x.shape[axis] - start if size == -1 else size)
    return x


def crop(arguments: Arguments) -> torch.Tensor:
    """x without some first and last rows and columns."""
    x = arguments.tensor("x")
    for axis, name in ((-2, "crop_height"), (-1, "crop_width")):
        before, after = arguments.integers(name)
        x = x.narrow(axis, before, x.shape[axis] - before - after)
    return x


def gather(arguments: Arguments) -> torch.Tensor:
    """Slices of x along the axis, in the order of `indices`; the first `batch_dims` dimensions go together.

    Shape: x.shape[:axis] + indices.shape[batch_dims:] + x.shape[axis + 1:].
    """
    x, batch_count = arguments.tensor("x"), arguments.integer("batch_dims", 0)
    axis = wrap_axis(arguments.integer("axis", 0), x.ndim)
    indices = _read_indices(arguments, x.shape[axis])
    shape = (*x.shape[:axis], *indices.shape[batch_count:], *x.shape[axis + 1 :])
    if batch_count == 0:
        return x.index_select(axis, indices.flatten()).reshape(shape)
    rows = zip(x.flatten(0, batch_count - 1), indices.flatten(0, batch_count - 1), strict=True)
    picked = [row.index_select(axis - batch_count, places.flatten()) for row, places in rows]
    return torch.stack(picked).reshape(shape)


def gather_along_axis(arguments: Arguments) -> torch.Tensor:
    """out[.., i, ..] = x[.., indices[.., i, ..], ..]. Shape: that of `indices`."""
    x = arguments.tensor("x")
    axis = wrap_axis(arguments.integer("axis", 0), x.ndim)
    return torch.take_along_dim(x, _read_indices(arguments, x.shape[axis]), axis)


def gather_nd(arguments: Arguments) -> torch.Tensor:
    """out[i] = x[indices[i]], where the last dimension of `indices` is a position in x."""
    x, batch_count = arguments.tensor("x"), arguments.integer("batch_dims", 0)
    indices = arguments.tensor("indices").long()
    arguments.ignore("validate_indices")
    if batch_count:
        pairs = zip(x.flatten(0, batch_count - 1), indices.flatten(0, batch_count - 1), strict=True)
        picked = torch.stack([row[tuple(places.movedim(-1, 0))] for row, places in pairs])
        return picked.reshape(*indices.shape[:-1], *x.shape[batch_count + indices.shape[-1] :])
    return x[tuple(indices.movedim(-1, 0))]


def _read_indices(arguments: Arguments, size: int) -> torch.Tensor:
    """`indices` counted from the front. Raises: OperationFault when one lies outside."""
    indices = arguments.tensor("indices").long()
    arguments.ignore("validate_indices")
    lowest = 0 if arguments.ios_version >= FIRST_IOS_WITHOUT_NEGATIVE_INDICES else -size
    if indices.numel() and (int(indices.min()) < lowest or int(indices.max()) >= size):
        raise OperationFault(f"its indices reach from {int(indices.min())} to {int(indices.max())}, of {size} elements")
    return torch.where(indices < 0, indices + size, indices)


OPERATORS: dict[str, Callable[[Arguments], torch.Tensor]] = {
    "slice_by_index": slice_by_index,
    "slice_by_size": slice_by_size,
    "crop": crop,
    "gather": gather,
    "gather_along_axis": gather_along_axis,
    "gather_nd": gather_nd,
}
