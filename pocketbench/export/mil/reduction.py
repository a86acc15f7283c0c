"""Operators that reduce dimensions to one value, and those that sort or accumulate along one."""

from __future__ import annotations

from collections.abc import Callable

import torch

from pocketbench.export.mil.arguments import Arguments, wrap_axis

Reduce = Callable[[torch.Tensor, list[int]], torch.Tensor]


def _over_axes(reduce: Reduce) -> Callable[[Arguments], torch.Tensor]:
    """An operator with `axes` (all by default) and `keep_dims`; `reduce` keeps the dimensions.

    Whole numbers are reduced in float64, and the result loses its fraction.
    """

    def compute(arguments: Arguments) -> torch.Tensor:
        x = arguments.tensor("x")
        axes = sorted({wrap_axis(axis, x.ndim) for axis in arguments.integers("axes", range(x.ndim))})
        keeps = arguments.flag("keep_dims", False)
        if not axes:
            return x
        result = reduce(x, axes) if x.is_floating_point() else reduce(x.double(), axes).to(x.dtype)
        return result if keeps else result.squeeze(axes)

    return compute


def _product(x: torch.Tensor, axes: list[int]) -> torch.Tensor:
    for axis in axes:
        x = x.prod(axis, keepdim=True)
    return x


REDUCTIONS: dict[str, Reduce] = {
    "reduce_sum": lambda x, axes: x.sum(axes, keepdim=True),
    "reduce_mean": lambda x, axes: x.mean(axes, keepdim=True),
    "reduce_max": lambda x, axes: x.amax(axes, keepdim=True),
    "reduce_min": lambda x, axes: x.amin(axes, keepdim=True),
    "reduce_prod": _product,
    "reduce_l1_norm": lambda x, axes: x.abs().sum(axes, keepdim=True),
    "reduce_l2_norm": lambda x, axes: x.square().sum(axes, keepdim=True).sqrt(),
    "reduce_sum_square": lambda x, axes: x.square().sum(axes, keepdim=True),
    "reduce_log_sum": lambda x, axes: x.sum(axes, keepdim=True).log(),
    "reduce_log_sum_exp": lambda x, axes: x.logsumexp(axes, keepdim=True),
}


def _index_of(find: Callable[..., torch.Tensor]) -> Callable[[Arguments], torch.Tensor]:
    def compute(arguments: Arguments) -> torch.Tensor:
        arguments.ignore("output_dtype")
        keeps = arguments.flag("keep_dims", False)
        return find(arguments.tensor("x"), dim=arguments.integer("axis", -1), keepdim=keeps)

    return compute


def cumsum(arguments: Arguments) -> torch.Tensor:
    """Sums of the elements up to each one; `exclusive` leaves that one out, `reverse` begins at the end."""
    x = arguments.tensor("x")
    axis = wrap_axis(arguments.integer("axis", 0), x.ndim)
    flipped = [axis] if arguments.flag("reverse", False) else []
    sums = x.flip(flipped).cumsum(axis)
    if arguments.flag("exclusive", False):
        sums = torch.cat([torch.zeros_like(sums.narrow(axis, 0, 1)), sums.narrow(axis, 0, x.shape[axis] - 1)], axis)
    return sums.flip(flipped)


def argsort(arguments: Arguments) -> torch.Tensor:
    """The order of the elements, the largest first unless `ascending`."""
    descending = not arguments.flag("ascending", False)
    return torch.argsort(arguments.tensor("x"), dim=arguments.integer("axis", -1), descending=descending, stable=True)


def topk(arguments: Arguments) -> tuple[torch.Tensor, ...]:
    """The k largest elements (smallest with `ascending`) in order, and where they stand; k = -1 takes all."""
    x = arguments.tensor("x")
    axis = wrap_axis(arguments.integer("axis", -1), x.ndim)
    count = arguments.integer("k", 1)
    arguments.ignore("sort", "output_indices_dtype")
    values, indices = torch.sort(x, dim=axis, descending=not arguments.flag("ascending", False), stable=True)
    count = x.shape[axis] if count == -1 else count
    results = (values.narrow(axis, 0, count), indices.narrow(axis, 0, count))
    return results if arguments.flag("return_indices", True) else results[:1]


OPERATORS: dict[str, Callable[[Arguments], torch.Tensor | tuple[torch.Tensor, ...]]] = {
    **{name: _over_axes(reduce) for name, reduce in REDUCTIONS.items()},
    "reduce_argmax": _index_of(torch.argmax),
    "reduce_argmin": _index_of(torch.argmin),
    "cumsum": cumsum,
    "argsort": argsort,
    "topk": topk,
}
