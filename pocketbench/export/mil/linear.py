"""Matrix products."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

from pocketbench.export.mil.arguments import Arguments


def linear(arguments: Arguments) -> torch.Tensor:
    """x weight^T + bias. Shape: x (*D, D_in), weight (D_out, D_in) -> (*D, D_out)."""
    return functional.linear(arguments.tensor("x"), arguments.tensor("weight"), arguments.optional_tensor("bias"))


def matmul(arguments: Arguments) -> torch.Tensor:
    """x y over the last two dimensions, the others broadcast."""
    x, y = arguments.tensor("x"), arguments.tensor("y")
    transposes = arguments.flag("transpose_x", False), arguments.flag("transpose_y", False)
    x, y = (
        value.transpose(-1, -2) if transposed and value.ndim > 1 else value
        for value, transposed in zip((x, y), transposes, strict=True)
    )
    return torch.matmul(x, y)


def einsum(arguments: Arguments) -> torch.Tensor:
    """The sum of products that the equation describes."""
    return torch.einsum(arguments.text("equation"), *arguments.tensors("values"))


def scaled_dot_product_attention(arguments: Arguments) -> torch.Tensor:
    """softmax(Q K^T / sqrt(E) + mask) V."""
    query, key, value = (arguments.tensor(name) for name in ("query", "key", "value"))
    mask = arguments.optional_tensor("attn_mask")
    return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)


OPERATORS: dict[str, Callable[[Arguments], torch.Tensor]] = {
    "linear": linear,
    "matmul": matmul,
    "einsum": einsum,
    "scaled_dot_product_attention": scaled_dot_product_attention,
}
