"""Normalisations."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.nn import functional

from pocketbench.export.mil.arguments import Arguments, wrap_axis


def batch_norm(arguments: Arguments) -> torch.Tensor:
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, all by channel."""
    x = arguments.tensor("x")
    return functional.batch_norm(
        x,
        arguments.tensor("mean"),
        arguments.tensor("variance"),
        arguments.optional_tensor("gamma"),
        arguments.optional_tensor("beta"),
        eps=arguments.number("epsilon", 1e-5),
    )


def instance_norm(arguments: Arguments) -> torch.Tensor:
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta; the statistics are those of each image's channel."""
    x = arguments.tensor("x")
    by_channel = [1, -1] + [1] * (x.ndim - 2)
    return _scale(arguments, _standardize(x, range(2, x.ndim), arguments.number("epsilon", 1e-5)), by_channel)


def layer_norm(arguments: Arguments) -> torch.Tensor:
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta; the statistics and the factors are those of `axes`."""
    x = arguments.tensor("x")
    axes = sorted(wrap_axis(axis, x.ndim) for axis in arguments.integers("axes", range(x.ndim)))
    shape = [x.shape[axis] if axis in axes else 1 for axis in range(x.ndim)]
    return _scale(arguments, _standardize(x, axes, arguments.number("epsilon", 1e-5)), shape)


def _standardize(x: torch.Tensor, axes: Sequence[int], epsilon: float) -> torch.Tensor:
    """(x - mean) / sqrt(variance + epsilon) over `axes`; the variance is that of the population."""
    variance, mean = torch.var_mean(x, list(axes), correction=0, keepdim=True)
    return (x - mean) / torch.sqrt(variance + epsilon)


def _scale(arguments: Arguments, x: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    gamma, beta = arguments.optional_tensor("gamma"), arguments.optional_tensor("beta")
    if gamma is not None:
        x = x * gamma.reshape(shape)
    return x if beta is None else x + beta.reshape(shape)


def l2_norm(arguments: Arguments) -> torch.Tensor:
    """x / sqrt(sum of squares over the last three dimensions + epsilon)."""
    x = arguments.tensor("x")
    return x / torch.sqrt(x.square().sum([-3, -2, -1], keepdim=True) + arguments.number("epsilon", 1e-6))


def local_response_norm(arguments: Arguments) -> torch.Tensor:
    """x / (k + alpha / size * sum of squares over `size` neighbouring channels)^beta."""
    return functional.local_response_norm(
        arguments.tensor("x"),
        arguments.integer("size"),
        alpha=arguments.number("alpha", 1e-4),
        beta=arguments.number("beta", 0.75),
        k=arguments.number("k", 1.0),
    )


OPERATORS: dict[str, Callable[[Arguments], torch.Tensor]] = {
    "batch_norm": batch_norm,
    "instance_norm": instance_norm,
    "layer_norm": layer_norm,
    "l2_norm": l2_norm,
    "local_response_norm": local_response_norm,
}
