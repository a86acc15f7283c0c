"""How far a sliding window reaches beyond its input: the padding of convolutions and poolings."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from pocketbench.export.mil.arguments import Arguments, OperationFault, UnsettledOperation, check_size

Padding = list[tuple[int, int]]
"""For each spatial dimension the elements before and after."""


def read_padding(
    arguments: Arguments, x: torch.Tensor, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> Padding:
    """The padding that `pad_type` and `pad` ask for around the spatial dimensions of x (N, C, *D).

    "same": total = max(0, stride * ceil(size / stride) - size + reach - stride), reach = (kernel - 1) * dilation + 1;
    the odd element goes after, with "same_lower" before.

    Source: coremltools, `aggregated_pad` in ops/defs/_utils.py.
    """
    sizes, kind = x.shape[2:], arguments.text("pad_type", "valid")
    given = arguments.integers("pad", [0] * (2 * len(sizes)))
    if kind not in ("valid", "custom", "same", "same_lower"):
        raise UnsettledOperation(f"its pad_type {kind!r} is not known here")
    if kind == "custom" and (len(given) != 2 * len(sizes) or min(given) < 0):
        raise OperationFault(f"its padding is {given}")
    padding = []
    for axis, (size, width, stride, dilation) in enumerate(zip(sizes, kernel, strides, dilations, strict=True)):
        total = max(0, stride * -(-size // stride) - size + (width - 1) * dilation + 1 - stride)
        small, large = total // 2, total - total // 2
        if kind == "valid":
            padding.append((0, 0))
        elif kind == "custom":
            padding.append((given[2 * axis], given[2 * axis + 1]))
        else:
            padding.append((small, large) if kind == "same" else (large, small))
    check_size([*x.shape[:2], *(size + sum(pair) for size, pair in zip(sizes, padding, strict=True))])
    return padding


def pad_edges(x: torch.Tensor, padding: Padding, value: float = 0.0) -> torch.Tensor:
    """x with `value` around its last dimensions."""
    if not any(sum(pair) for pair in padding):
        return x
    return functional.pad(x, [amount for pair in reversed(padding) for amount in pair], value=value)
