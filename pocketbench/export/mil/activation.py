"""Activation functions, each by the formula in coremltools' description of the operator."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

from pocketbench.export.mil.arguments import Arguments, UnsettledOperation

GELU_MODES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "EXACT": functional.gelu,
    "TANH_APPROXIMATION": lambda x: functional.gelu(x, approximate="tanh"),
    "SIGMOID_APPROXIMATION": lambda x: x * torch.sigmoid(1.702 * x),
}


def _simple(compute: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Arguments], torch.Tensor]:
    return lambda arguments: compute(arguments.tensor("x"))


def leaky_relu(arguments: Arguments) -> torch.Tensor:
    """x where x >= 0, alpha * x elsewhere."""
    return functional.leaky_relu(arguments.tensor("x"), arguments.number("alpha"))


def clamped_relu(arguments: Arguments) -> torch.Tensor:
    """min(beta, x) where x >= 0, min(beta, alpha * x) elsewhere."""
    leaky = functional.leaky_relu(arguments.tensor("x"), arguments.number("alpha"))
    return leaky.clamp(max=arguments.number("beta"))


def prelu(arguments: Arguments) -> torch.Tensor:
    """x where x > 0, alpha of its channel times x elsewhere."""
    return functional.prelu(arguments.tensor("x"), arguments.tensor("alpha"))


def elu(arguments: Arguments) -> torch.Tensor:
    """x where x > 0, alpha * (e^x - 1) elsewhere."""
    return functional.elu(arguments.tensor("x"), arguments.number("alpha"))


def gelu(arguments: Arguments) -> torch.Tensor:
    """x * P(X <= x) for a standard normal X, exactly or by one of two approximations."""
    mode = arguments.text("mode", "EXACT")
    if mode not in GELU_MODES:
        raise UnsettledOperation(f"its mode {mode!r} is not known here")
    return GELU_MODES[mode](arguments.tensor("x"))


def sigmoid_hard(arguments: Arguments) -> torch.Tensor:
    """min(max(alpha * x + beta, 0), 1)."""
    return linear_activation(arguments).clamp(0.0, 1.0)


def linear_activation(arguments: Arguments) -> torch.Tensor:
    """alpha * x + beta."""
    return arguments.number("alpha") * arguments.tensor("x") + arguments.number("beta")


def scaled_tanh(arguments: Arguments) -> torch.Tensor:
    """alpha * tanh(beta * x)."""
    return arguments.number("alpha") * torch.tanh(arguments.number("beta") * arguments.tensor("x"))


def softplus(x: torch.Tensor) -> torch.Tensor:
    """log(1 + e^x), without overflow."""
    return torch.logaddexp(x, torch.zeros_like(x))


def softplus_parametric(arguments: Arguments) -> torch.Tensor:
    """alpha * log(1 + e^(beta * x)), alpha and beta by channel."""
    x = arguments.tensor("x")
    by_channel = [1, -1] + [1] * (x.ndim - 2)
    alpha, beta = (arguments.tensor(name).reshape(by_channel) for name in ("alpha", "beta"))
    return alpha * softplus(beta * x)


def thresholded_relu(arguments: Arguments) -> torch.Tensor:
    """x where x >= alpha, 0 elsewhere."""
    x = arguments.tensor("x")
    return torch.where(x >= arguments.number("alpha"), x, torch.zeros_like(x))


def softmax(arguments: Arguments) -> torch.Tensor:
    """e^x / sum of e^x along the axis."""
    return torch.softmax(arguments.tensor("x"), dim=arguments.integer("axis", -1))


OPERATORS: dict[str, Callable[[Arguments], torch.Tensor]] = {
    "relu": _simple(torch.relu),
    "relu6": _simple(functional.relu6),
    "sigmoid": _simple(torch.sigmoid),
    "silu": _simple(functional.silu),
    "softplus": _simple(softplus),
    "softsign": _simple(functional.softsign),
    "leaky_relu": leaky_relu,
    "clamped_relu": clamped_relu,
    "prelu": prelu,
    "elu": elu,
    "gelu": gelu,
    "sigmoid_hard": sigmoid_hard,
    "linear_activation": linear_activation,
    "scaled_tanh": scaled_tanh,
    "softplus_parametric": softplus_parametric,
    "thresholded_relu": thresholded_relu,
    "softmax": softmax,
}
