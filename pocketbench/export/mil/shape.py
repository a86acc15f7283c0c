"""Operators that move elements, or make tensors of a given shape."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch

from pocketbench.export.mil.arguments import Arguments, OperationFault, UnsettledOperation, check_size, wrap_axis


def reshape(arguments: Arguments) -> torch.Tensor:
    """x in another shape: -1 is what remains, 0 the dimension of x at the same place, counted from the last."""
    x, wanted = arguments.tensor("x"), arguments.integers("shape")
    offset = x.ndim - len(wanted)
    for place, size in enumerate(wanted):
        if size == 0:
            wanted[place] = x.shape[place + offset] if place + offset >= 0 else 1
    return x.reshape(wanted)


def reshape_like(arguments: Arguments) -> torch.Tensor:
    """x in the shape put together from parts of the shapes of other tensors."""
    shape: list[int] = []
    parts = (arguments.tensors(name) for name in ("ref_tensors", "begins", "ends", "end_masks"))
    for reference, begin, end, takes_rest in zip(*parts, strict=True):
        stop = reference.ndim if takes_rest.item() else int(end.item())
        shape += reference.shape[int(begin.item()) : stop]
    return arguments.tensor("x").reshape(shape)


def transpose(arguments: Arguments) -> torch.Tensor:
    return arguments.tensor("x").permute(arguments.integers("perm"))


def expand_dims(arguments: Arguments) -> torch.Tensor:
    """x with dimensions of 1 at the places that `axes` name in the result."""
    x, axes = arguments.tensor("x"), arguments.integers("axes")
    rank = x.ndim + len(axes)
    for axis in sorted(wrap_axis(axis, rank) for axis in axes):
        x = x.unsqueeze(axis)
    return x


def squeeze(arguments: Arguments) -> torch.Tensor:
    """x without those of `axes` (all by default) that are 1."""
    x = arguments.tensor("x")
    return x.squeeze(arguments.integers("axes", range(x.ndim)))


def flatten2d(arguments: Arguments) -> torch.Tensor:
    """x as a matrix: dimensions before the axis, dimensions from it on."""
    x, axis = arguments.tensor("x"), arguments.integer("axis", 1)
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


def concat(arguments: Arguments) -> torch.Tensor:
    """The tensors one behind the other along the axis, or with `interleave` their slices in turn."""
    tensors, interleaves = arguments.tensors("values"), arguments.flag("interleave", False)
    axis = arguments.integer("axis")
    if tensors[0].ndim == 0:
        return torch.stack(tensors)
    if not interleaves:
        return torch.cat(tensors, axis)
    axis = wrap_axis(axis, tensors[0].ndim)
    return torch.stack(tensors, axis + 1).flatten(axis, axis + 1)


def stack(arguments: Arguments) -> torch.Tensor:
    return torch.stack(arguments.tensors("values"), arguments.integer("axis"))


def split(arguments: Arguments) -> tuple[torch.Tensor, ...]:
    """x in parts along the axis, of the given sizes or of equal size."""
    x, sizes = arguments.tensor("x"), arguments.integers("split_sizes", [])
    axis = wrap_axis(arguments.integer("axis"), x.ndim)
    count = arguments.integer("num_splits", len(sizes))
    if not sizes:
        if count < 1 or x.shape[axis] % count:
            raise OperationFault(f"{x.shape[axis]} elements can't be split into {count} equal parts")
        sizes = [x.shape[axis] // count] * count
    return torch.split(x, sizes, axis)


def tile(arguments: Arguments) -> torch.Tensor:
    x, counts = arguments.tensor("x"), arguments.integers("reps")
    check_size([size * count for size, count in zip(x.shape, counts, strict=True)])
    return x.repeat(counts)


def reverse(arguments: Arguments) -> torch.Tensor:
    x = arguments.tensor("x")
    return x.flip(arguments.integers("axes", range(x.ndim)))


def depth_to_space(arguments: Arguments) -> torch.Tensor:
    """Blocks of channels become blocks of pixels; the channel is the last part of the old channel's number.

    Shape: (N, b * b * C, H, W) -> (N, C, H * b, W * b).
    """
    x, block = arguments.tensor("x"), arguments.integer("block_size")
    count, channels, height, width = x.shape
    parts = x.reshape(count, block, block, channels // (block * block), height, width)
    return parts.permute(0, 3, 4, 1, 5, 2).reshape(count, -1, height * block, width * block)


def space_to_depth(arguments: Arguments) -> torch.Tensor:
    """The inverse of depth_to_space. Shape: (N, C, H * b, W * b) -> (N, b * b * C, H, W)."""
    x, block = arguments.tensor("x"), arguments.integer("block_size")
    count, channels, height, width = x.shape
    parts = x.reshape(count, channels, height // block, block, width // block, block)
    return parts.permute(0, 3, 5, 1, 2, 4).reshape(count, -1, height // block, width // block)


def pixel_shuffle(arguments: Arguments) -> torch.Tensor:
    """As torch.nn.PixelShuffle: the channel is the first part of the old channel's number."""
    return torch.pixel_shuffle(arguments.tensor("x"), arguments.integer("upscale_factor"))


def pixel_unshuffle(arguments: Arguments) -> torch.Tensor:
    """As torch.nn.PixelUnshuffle."""
    return torch.pixel_unshuffle(arguments.tensor("x"), arguments.integer("downscale_factor"))


def sliding_windows(arguments: Arguments) -> torch.Tensor:
    """All windows along the axis; their elements follow in a dimension of their own behind it."""
    x = arguments.tensor("x")
    axis = wrap_axis(arguments.integer("axis"), x.ndim)
    windows = x.unfold(axis, arguments.integer("size"), arguments.integer("stride", 1))
    return windows.movedim(-1, axis + 1)


def pad(arguments: Arguments) -> torch.Tensor:
    """x with elements before and after each of its last dimensions: a constant, the edge, or a mirror image."""
    x, amounts = arguments.tensor("x"), arguments.integers("pad")
    mode, value = arguments.text("mode", "constant"), arguments.number("constant_val", 0.0)
    first = x.ndim - len(amounts) // 2
    if len(amounts) % 2 or first < 0 or min(amounts, default=0) < 0:
        raise OperationFault(f"its padding {amounts} does not fit a tensor of rank {x.ndim}")
    for axis, (before, after) in enumerate(zip(amounts[::2], amounts[1::2], strict=True), start=first):
        x = _pad_axis(x, axis, before, after, mode, value)
    return x


def _pad_axis(x: torch.Tensor, axis: int, before: int, after: int, mode: str, value: float) -> torch.Tensor:
    size = x.shape[axis]
    check_size([*x.shape[:axis], size + before + after, *x.shape[axis + 1 :]])
    if before == after == 0:
        return x
    if mode == "constant":
        edges = [x.new_full([*x.shape[:axis], width, *x.shape[axis + 1 :]], value) for width in (before, after)]
        return torch.cat([edges[0], x, edges[1]], axis)
    places = torch.arange(-before, size + after)
    if mode == "replicate":
        return x.index_select(axis, places.clamp(0, size - 1))
    if mode != "reflect":
        raise UnsettledOperation(f"its mode {mode!r} is not known here")
    if max(before, after) >= size:
        raise OperationFault(f"{size} elements can't be mirrored over {max(before, after)}")
    return x.index_select(axis, (size - 1) - ((size - 1) - places.abs()).abs())


def band_part(arguments: Arguments) -> torch.Tensor:
    """x with zeros outside of a band around the diagonal of its last two dimensions; -1 keeps a whole triangle."""
    x = arguments.tensor("x")
    lower, upper = arguments.integer("lower", -1), arguments.integer("upper", -1)
    below = torch.arange(x.shape[-2])[:, None] - torch.arange(x.shape[-1])
    kept = ((below <= lower) | (lower < 0)) & ((-below <= upper) | (upper < 0))
    return torch.where(kept, x, torch.zeros_like(x))


def fill(arguments: Arguments) -> torch.Tensor:
    shape = check_size(arguments.integers("shape"))
    return _fill_value(arguments).expand(shape)


def fill_like(arguments: Arguments) -> torch.Tensor:
    return _fill_value(arguments).expand(arguments.tensor("ref_tensor").shape)


def _fill_value(arguments: Arguments) -> torch.Tensor:
    value = arguments.optional_tensor("value")
    return torch.tensor(0.0) if value is None else value.reshape(())


def range_1d(arguments: Arguments) -> torch.Tensor:
    """start, start + step, ... up to end, which is not reached."""
    bounds = [arguments.tensor(name) for name in ("start", "end", "step")]
    start, end, step = (bound.item() for bound in bounds)
    if step == 0:
        raise OperationFault("its step is 0")
    check_size([max(0, math.ceil((end - start) / step))])
    return torch.arange(start, end, step, dtype=bounds[0].dtype)


def one_hot(arguments: Arguments) -> torch.Tensor:
    """on_value where the place along the new axis is the index, off_value elsewhere."""
    indices, size = arguments.tensor("indices"), arguments.integer("one_hot_vector_size")
    on, off = (
        torch.tensor(default) if value is None else value
        for default, value in ((1, arguments.optional_tensor("on_value")), (0, arguments.optional_tensor("off_value")))
    )
    axis = wrap_axis(arguments.integer("axis", -1), indices.ndim + 1)
    check_size([*indices.shape, size])
    places = torch.arange(size).reshape([-1] + [1] * (indices.ndim - axis))
    return torch.where(indices.unsqueeze(axis) == places, on, off)


OPERATORS: dict[str, Callable[[Arguments], torch.Tensor | tuple[torch.Tensor, ...]]] = {
    "reshape": reshape,
    "reshape_like": reshape_like,
    "transpose": transpose,
    "expand_dims": expand_dims,
    "squeeze": squeeze,
    "flatten2d": flatten2d,
    "concat": concat,
    "stack": stack,
    "split": split,
    "tile": tile,
    "reverse": reverse,
    "depth_to_space": depth_to_space,
    "space_to_depth": space_to_depth,
    "pixel_shuffle": pixel_shuffle,
    "pixel_unshuffle": pixel_unshuffle,
    "sliding_windows": sliding_windows,
    "pad": pad,
    "band_part": band_part,
    "fill": fill,
    "fill_like": fill_like,
    "range_1d": range_1d,
    "one_hot": one_hot,
    "shape": lambda arguments: torch.tensor(arguments.tensor("x").shape),
}
