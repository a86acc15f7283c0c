"""Convolution and transposed convolution over 1, 2 or 3 spatial dimensions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.nn import functional

from pocketbench.export.mil.arguments import Arguments, OperationFault, UnsettledOperation, check_size
from pocketbench.export.mil.windows import pad_edges, read_padding

CONVOLUTIONS = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
TRANSPOSED = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d}


def conv(arguments: Arguments) -> torch.Tensor:
    """Convolution. Shape: x (N, C, *D), weight (C_out, C / groups, *K) -> (N, C_out, *D_out)."""
    x, weight, strides, dilations, groups = _read_common(arguments)
    padding = read_padding(arguments, x, weight.shape[2:], strides, dilations)
    if all(before == after for before, after in padding):
        inner = [before for before, _ in padding]
    else:
        x, inner = pad_edges(x, padding), [0] * len(strides)
    bias = arguments.optional_tensor("bias")
    compute = CONVOLUTIONS[len(strides)]
    return compute(x, weight, bias, stride=strides, padding=inner, dilation=dilations, groups=groups)


def conv_transpose(arguments: Arguments) -> torch.Tensor:
    """The gradient of a convolution. Shape: x (N, C, *D), weight (C, C_out / groups, *K) -> (N, C_out, *D_out).

    D_out = (D - 1) * stride + (K - 1) * dilation + 1 - pad before - pad after; the padding cuts the full result.
    """
    x, weight, strides, dilations, groups = _read_common(arguments)
    bias = arguments.optional_tensor("bias")
    reaches = [(width - 1) * dilation + 1 for width, dilation in zip(weight.shape[2:], dilations, strict=True)]
    grown = [(n - 1) * stride + reach for n, stride, reach in zip(x.shape[2:], strides, reaches, strict=True)]
    check_size([x.shape[0], weight.shape[1] * groups, *grown])
    compute = TRANSPOSED[len(strides)]
    full = compute(x, weight, bias, stride=strides, dilation=dilations, groups=groups)
    for dimension, (start, size) in enumerate(_find_window(arguments, full.shape[2:], x.shape[2:], strides), start=2):
        if start < 0 or size < 1 or start + size > full.shape[dimension]:
            raise UnsettledOperation(f"it cuts elements {start} to {start + size} of {full.shape[dimension]}")
        full = full.narrow(dimension, start, size)
    return full


def _find_window(
    arguments: Arguments, full: Sequence[int], sizes: Sequence[int], strides: Sequence[int]
) -> list[tuple[int, int]]:
    """For each spatial dimension where the result begins in the full one, and its size."""
    kind = arguments.text("pad_type", "valid")
    pad = arguments.integers("pad", [0] * (2 * len(sizes)))
    shape = arguments.integers("output_shape", [])
    if kind == "same":
        wanted = shape[2:] or [size * stride for size, stride in zip(sizes, strides, strict=True)]
        return [((whole - part) // 2, part) for whole, part in zip(full, wanted, strict=True)]
    if kind not in ("valid", "custom"):
        raise UnsettledOperation(f"its pad_type {kind!r} is not known here")
    if kind == "valid":
        pad = [0] * len(pad)
    ends = [whole - after for whole, after in zip(full, pad[1::2], strict=True)]
    wanted = shape[2:] or [end - before for end, before in zip(ends, pad[::2], strict=True)]
    return list(zip(pad[::2], wanted, strict=True))


def _read_common(arguments: Arguments) -> tuple[torch.Tensor, torch.Tensor, list[int], list[int], int]:
    """x, weight, strides, dilations, groups."""
    x, weight = arguments.tensor("x"), arguments.tensor("weight")
    count = x.ndim - 2
    strides, dilations = arguments.integers("strides", [1] * count), arguments.integers("dilations", [1] * count)
    if count not in CONVOLUTIONS or weight.ndim != x.ndim or not len(strides) == len(dilations) == count:
        raise OperationFault(f"x has the shape {list(x.shape)}, the weight {list(weight.shape)}")
    return x, weight, strides, dilations, arguments.integer("groups", 1)


OPERATORS: dict[str, Callable[[Arguments], torch.Tensor]] = {"conv": conv, "conv_transpose": conv_transpose}
