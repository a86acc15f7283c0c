"""Operators that work on each element alone, or on pairs of elements with broadcasting."""

from __future__ import annotations

from collections.abc import Callable

import torch

from pocketbench.export.mil.arguments import Arguments, OperationFault, UnsettledOperation

Function = Callable[[Arguments], torch.Tensor]


def _unary(compute: Callable[[torch.Tensor], torch.Tensor]) -> Function:
    return lambda arguments: compute(arguments.tensor("x"))


def _binary(compute: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> Function:
    return lambda arguments: compute(arguments.tensor("x"), arguments.tensor("y"))


def _unary_with_epsilon(default: float, compute: Callable[[torch.Tensor], torch.Tensor]) -> Function:
    """compute(x + epsilon)."""
    return lambda arguments: compute(arguments.tensor("x") + arguments.number("epsilon", default))


def clip(arguments: Arguments) -> torch.Tensor:
    """min(max(x, alpha), beta)."""
    return arguments.tensor("x").clamp(arguments.number("alpha"), arguments.number("beta"))


def threshold(arguments: Arguments) -> torch.Tensor:
    """max(x, alpha)."""
    return arguments.tensor("x").clamp(min=arguments.number("alpha"))


def cast(arguments: Arguments) -> torch.Tensor:
    """x in another type; a real number loses its fraction, a truth value is "not 0"."""
    return arguments.tensor("x").to(arguments.element("dtype").kept)


def select(arguments: Arguments) -> torch.Tensor:
    """a where cond holds, b elsewhere."""
    condition = arguments.tensor("cond")
    if condition.dtype != torch.bool:
        raise OperationFault("its condition does not hold truth values")
    return torch.where(condition, arguments.tensor("a"), arguments.tensor("b"))


def divide(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """x / y. Raises: UnsettledOperation for whole numbers, whose rounding is not described."""
    if not x.is_floating_point():
        raise UnsettledOperation("how it rounds whole numbers is not described")
    return x / y


def floor_divide(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.div(x, y, rounding_mode="floor")


OPERATORS: dict[str, Function] = {
    "identity": _unary(lambda x: x),
    "abs": _unary(torch.abs),
    "acos": _unary(torch.acos),
    "asin": _unary(torch.asin),
    "atan": _unary(torch.atan),
    "atanh": _unary(torch.atanh),
    "ceil": _unary(torch.ceil),
    "cos": _unary(torch.cos),
    "cosh": _unary(torch.cosh),
    "erf": _unary(torch.erf),
    "exp": _unary(torch.exp),
    "exp2": _unary(torch.exp2),
    "floor": _unary(torch.floor),
    "logical_not": _unary(torch.logical_not),
    "round": _unary(torch.round),
    "sign": _unary(torch.sign),
    "sin": _unary(torch.sin),
    "sinh": _unary(torch.sinh),
    "sqrt": _unary(torch.sqrt),
    "square": _unary(torch.square),
    "tan": _unary(torch.tan),
    "tanh": _unary(torch.tanh),
    "inverse": _unary_with_epsilon(1e-4, torch.reciprocal),
    "log": _unary_with_epsilon(1e-45, torch.log),
    "rsqrt": _unary_with_epsilon(1e-12, torch.rsqrt),
    "add": _binary(torch.add),
    "sub": _binary(torch.sub),
    "mul": _binary(torch.mul),
    "real_div": _binary(divide),
    "floor_div": _binary(floor_divide),
    "mod": _binary(torch.remainder),
    "pow": _binary(torch.pow),
    "maximum": _binary(torch.maximum),
    "minimum": _binary(torch.minimum),
    "equal": _binary(torch.eq),
    "not_equal": _binary(torch.ne),
    "greater": _binary(torch.gt),
    "greater_equal": _binary(torch.ge),
    "less": _binary(torch.lt),
    "less_equal": _binary(torch.le),
    "logical_and": _binary(torch.logical_and),
    "logical_or": _binary(torch.logical_or),
    "logical_xor": _binary(torch.logical_xor),
    "clip": clip,
    "threshold": threshold,
    "cast": cast,
    "select": select,
}
