"""Operators that resize the last two dimensions.

Each mode says where in the input the i-th output element is read: `place(i)`, cut to 0 .. input size - 1.

Source: coremltools, the notes of `resize_bilinear` and `upsample_bilinear` (ops/defs/iOS15/image_resizing.py).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from pocketbench.export.mil.arguments import Arguments, OperationFault, UnsettledOperation, check_size


def _place_aligned(size: int, count: int) -> np.ndarray:
    """The first and the last elements of input and output meet."""
    return np.arange(count) * ((size - 1) / max(1, count - 1))


def _place_aligned_or_central(size: int, count: int) -> np.ndarray:
    return np.array([(size - 1) / 2]) if count == 1 else _place_aligned(size, count)


def _place_from_start(size: int, count: int) -> np.ndarray:
    """The first edges meet."""
    return np.arange(count) * (size / count)


def _place_at_offset(size: int, count: int) -> np.ndarray:
    return (np.arange(count) + 0.5) * (max(1, size - 1) / count)


def _place_at_centers(size: int, count: int) -> np.ndarray:
    """The centers of pixels are compared, not their edges."""
    return (np.arange(count) + 0.5) * (size / count) - 0.5


SAMPLING_MODES: dict[str, Callable[[int, int], np.ndarray]] = {
    "STRICT_ALIGN_CORNERS": _place_aligned,
    "ALIGN_CORNERS": _place_aligned_or_central,
    "DEFAULT": _place_from_start,
    "OFFSET_CORNERS": _place_at_offset,
    "UNALIGN_CORNERS": _place_at_centers,
}


def resize_bilinear(arguments: Arguments) -> torch.Tensor:
    x = arguments.tensor("x")
    sizes = [arguments.integer(f"target_size_{name}", 1) for name in ("height", "width")]
    return _resize_linearly(x, sizes, _find_mode(arguments))


def resize_nearest_neighbor(arguments: Arguments) -> torch.Tensor:
    x = arguments.tensor("x")
    return _resize_to_nearest(x, [arguments.integer(f"target_size_{name}") for name in ("height", "width")])


def upsample_bilinear(arguments: Arguments) -> torch.Tensor:
    """The output size is floor(size * factor); the factor used is that of the sizes."""
    aligns = arguments.flag("align_corners", True)
    centers = arguments.flag("half_pixel_centers", not aligns)
    if aligns and centers:
        raise UnsettledOperation("align_corners together with half_pixel_centers is not described")
    place = _place_aligned if aligns else _place_at_centers if centers else _place_from_start
    return _resize_linearly(arguments.tensor("x"), _read_scaled_sizes(arguments), place)


def upsample_nearest_neighbor(arguments: Arguments) -> torch.Tensor:
    """out[i] = x[floor(i / factor)]."""
    x, sizes = arguments.tensor("x"), _read_scaled_sizes(arguments)
    for axis, count, factor in zip((-2, -1), sizes, _read_factors(arguments), strict=True):
        by_factor = np.minimum(np.floor(np.arange(count) / factor), x.shape[axis] - 1)
        if not np.array_equal(by_factor, np.arange(count) * x.shape[axis] // max(count, 1)):
            raise UnsettledOperation(f"how the factor {factor} is rounded is not described")
    return _resize_to_nearest(x, sizes)


def resize(arguments: Arguments) -> torch.Tensor:
    """The last `resized_dims` dimensions take the sizes in `shape`; 0 keeps a dimension."""
    x, shape = arguments.tensor("x"), arguments.integers("shape")
    count = arguments.integer("resized_dims")
    mode, place = arguments.text("interpolation_mode", "LINEAR"), _find_mode(arguments)
    if count != 2 or len(shape) < 2 or x.ndim < 2:
        raise UnsettledOperation(f"it resizes {count} dimensions")
    sizes = [wanted or size for wanted, size in zip(shape[-2:], x.shape[-2:], strict=True)]
    if mode == "LINEAR":
        return _resize_linearly(x, sizes, place)
    if mode != "NEAREST_NEIGHBOR" or place is not _place_from_start:
        raise UnsettledOperation(f"its interpolation_mode {mode!r} is not described with that sampling_mode")
    return _resize_to_nearest(x, sizes)


def _find_mode(arguments: Arguments) -> Callable[[int, int], np.ndarray]:
    mode = arguments.text("sampling_mode", "DEFAULT")
    if mode not in SAMPLING_MODES:
        raise UnsettledOperation(f"its sampling_mode {mode!r} is not known here")
    return SAMPLING_MODES[mode]


def _read_factors(arguments: Arguments) -> list[float]:
    return [arguments.number(f"scale_factor_{name}", 1) for name in ("height", "width")]


def _read_scaled_sizes(arguments: Arguments) -> list[int]:
    """floor(size * factor) in float32, as the type of the factor says."""
    sizes = arguments.tensor("x").shape[-2:]
    return [int(np.floor(np.float32(f) * np.float32(n))) for n, f in zip(sizes, _read_factors(arguments), strict=True)]


def _resize_linearly(x: torch.Tensor, sizes: list[int], place: Callable[[int, int], np.ndarray]) -> torch.Tensor:
    """Between the two neighbours of each place, one dimension after the other."""
    _check_sizes(x, sizes)
    for axis, count in zip((-2, -1), sizes, strict=True):
        size = x.shape[axis]
        if count == size == 1:
            continue
        places = np.clip(place(size, count), 0, size - 1)
        lower = np.floor(places).astype(np.int64)
        upper = np.minimum(lower + 1, size - 1)
        weight = torch.from_numpy((places - lower).astype(np.float32))
        weight = weight[:, None] if axis == -2 else weight
        below, above = (x.index_select(axis, torch.from_numpy(index)) for index in (lower, upper))
        x = below + (above - below) * weight
    return x


def _resize_to_nearest(x: torch.Tensor, sizes: list[int]) -> torch.Tensor:
    """out[i] = x[floor(i * size / output size)]."""
    _check_sizes(x, sizes)
    for axis, count in zip((-2, -1), sizes, strict=True):
        x = x.index_select(axis, torch.arange(count) * x.shape[axis] // count)
    return x


def _check_sizes(x: torch.Tensor, sizes: list[int]) -> None:
    if min(sizes) < 1 or min(x.shape[-2:]) < 1:
        raise OperationFault(f"it resizes {list(x.shape[-2:])} to {sizes}")
    check_size([*x.shape[:-2], *sizes])


OPERATORS: dict[str, Callable[[Arguments], torch.Tensor]] = {
    "resize": resize,
    "resize_bilinear": resize_bilinear,
    "resize_nearest_neighbor": resize_nearest_neighbor,
    "upsample_bilinear": upsample_bilinear,
    "upsample_nearest_neighbor": upsample_nearest_neighbor,
}
