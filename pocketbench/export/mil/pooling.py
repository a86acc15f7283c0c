"""Pooling over 1, 2 or 3 spatial dimensions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional

from pocketbench.export.mil.arguments import Arguments, OperationFault, check_size
from pocketbench.export.mil.windows import Padding, pad_edges, read_padding


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A pooling's window; `padding` is what the file asks for, `tail` what the last windows reach beyond that."""

    kernel: list[int]
    strides: list[int]
    padding: Padding
    tail: Padding


def avg_pool(arguments: Arguments) -> torch.Tensor:
    """Sum over the window / number of elements in it; padding counts unless it is excluded, the tail never does."""
    x, window = _read_window(arguments)
    excludes = arguments.flag("exclude_padding_from_average", False)
    ones = torch.ones(1, 1, *x.shape[2:])
    counted = pad_edges(ones, window.padding, value=0.0 if excludes else 1.0)
    return _sum_windows(pad_edges(x, window.padding), window) / _sum_windows(counted, window)


def l2_pool(arguments: Arguments) -> torch.Tensor:
    """sqrt(sum of squares over the window)."""
    x, window = _read_window(arguments)
    return _sum_windows(pad_edges(x, window.padding).square(), window).sqrt()


def max_pool(arguments: Arguments) -> torch.Tensor:
    """The largest element of the window; padding never is."""
    x, window = _read_window(arguments)
    x = pad_edges(pad_edges(x, window.padding, -torch.inf), window.tail, -torch.inf)
    if x.ndim == 3:
        return functional.max_pool1d(x, window.kernel, window.strides)
    compute = functional.max_pool2d if x.ndim == 4 else functional.max_pool3d
    return compute(x, window.kernel, window.strides)


def _sum_windows(x: torch.Tensor, window: Window) -> torch.Tensor:
    x = pad_edges(x, window.tail)
    if x.ndim == 5:
        return functional.avg_pool3d(x, window.kernel, window.strides, divisor_override=1)
    if x.ndim == 4:
        return functional.avg_pool2d(x, window.kernel, window.strides, divisor_override=1)
    wide = functional.avg_pool2d(x.unsqueeze(2), [1, *window.kernel], [1, *window.strides], divisor_override=1)
    return wide.squeeze(2)


def _read_window(arguments: Arguments) -> tuple[torch.Tensor, Window]:
    """x and its window.

    With ceil_mode the number of windows is rounded up, but for a last one that would begin beyond the input.

    Source: coremltools, `spatial_dimensions_out_shape` in ops/defs/_utils.py.
    """
    x, kernel = arguments.tensor("x"), arguments.integers("kernel_sizes")
    strides = arguments.integers("strides", [1] * len(kernel))
    if x.ndim not in (3, 4, 5) or not len(kernel) == len(strides) == x.ndim - 2 or min(*kernel, *strides) < 1:
        raise OperationFault(f"x has the shape {list(x.shape)}, the kernel {kernel}, the strides {strides}")
    padding = read_padding(arguments, x, kernel, strides, [1] * len(kernel))
    rounds_up = arguments.flag("ceil_mode", False)
    tail = []
    for size, width, stride, (before, after) in zip(x.shape[2:], kernel, strides, padding, strict=True):
        free = size + before + after - width
        count = (-(-free // stride) if rounds_up else free // stride) + 1
        if rounds_up and before + after > 0 and (count - 1) * stride >= size + (before + after) / 2:
            count -= 1
        tail.append((0, max(0, (count - 1) * stride + width - size - before - after)))
    check_size([*x.shape[:2], *(size + sum(pair) for size, pair in zip(x.shape[2:], tail, strict=True))])
    return x, Window(kernel=kernel, strides=strides, padding=padding, tail=tail)


OPERATORS: dict[str, Callable[[Arguments], torch.Tensor]] = {
    "avg_pool": avg_pool,
    "l2_pool": l2_pool,
    "max_pool": max_pool,
}
