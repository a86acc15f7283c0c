"""Functions that export badly, exchanged while a network calls them.

A module that nobody knows can still be helped where its forward calls one of these, and what it computes stays:

    expand, expand_as before a product or a sum       broadcasting
    adaptive pools to a size that divides the map     pools of a fixed window
    linear layers on a pooled map, view to (N, C, 1, 1)    1x1 convolutions of the pooled map

Exporters trace the functions that stand in their place. What nobody uses any more, such as the linear layer on the
flattened map, is dead code that every exporter leaves out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from pocketbench.blocks.rewriting.pooling import find_window

Function = Callable[..., Any]

ADAPTIVE_POOLS: dict[Function, Function] = {
    functional.adaptive_avg_pool2d: functional.avg_pool2d,
    functional.adaptive_max_pool2d: functional.max_pool2d,
}
EXPANSIONS = {Tensor.expand, Tensor.expand_as, torch.broadcast_to, Tensor.broadcast_to}
PRODUCTS = {Tensor.mul, Tensor.__mul__, Tensor.__rmul__, torch.mul, torch.multiply, Tensor.multiply}
PRODUCTS_IN_PLACE = {Tensor.mul_, Tensor.__imul__, Tensor.multiply_}
SUMS = {Tensor.add, Tensor.__add__, Tensor.__radd__, torch.add}
MEANS = {torch.mean, Tensor.mean, torch.amax, Tensor.amax}
RESHAPES = {
    Tensor.view,
    Tensor.reshape,
    torch.reshape,
    Tensor.flatten,
    torch.flatten,
    Tensor.squeeze,
    torch.squeeze,
    Tensor.unsqueeze,
    torch.unsqueeze,
    Tensor.contiguous,
    Tensor.__getitem__,
}
POINTWISE = {
    *(functional.relu, functional.relu6, functional.hardtanh, functional.silu, functional.gelu, functional.sigmoid),
    *(functional.hardsigmoid, functional.hardswish, functional.tanh, functional.dropout, functional.leaky_relu),
    *(torch.relu, torch.sigmoid, torch.tanh, Tensor.relu, Tensor.sigmoid, Tensor.tanh),
}

EXPAND = "broadcasting for an expand"
ADAPTIVE_POOL = "a fixed window for an adaptive pool"
LINEAR = "a 1x1 convolution for a linear layer on a pooled map"


@dataclass(frozen=True, slots=True)
class Pooled:
    """How a tensor (N, C) comes from a pooled map (N, C, 1, 1): start() and then each of the steps."""

    start: Callable[[], Tensor]
    steps: tuple[Callable[[Tensor], Tensor], ...] = ()

    def then(self, step: Callable[[Tensor], Tensor]) -> Pooled:
        return Pooled(self.start, (*self.steps, step))

    def compute(self) -> Tensor:
        result = self.start()
        for step in self.steps:
            result = step(result)
        return result


class FriendlyFunctions(TorchFunctionMode):
    """While entered, exchanges the functions above.

    Args:
        on_change: called with what was exchanged, each time.
    """

    def __init__(self, on_change: Callable[[str], None] = lambda _what: None) -> None:
        super().__init__()
        self.on_change = on_change
        # The tensors stay in the values: an id is not given twice while they live.
        self.sources: dict[int, tuple[Tensor, Tensor]] = {}
        self.pooled: dict[int, tuple[Tensor, Pooled]] = {}

    def __torch_function__(
        self, func: Function, types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in ADAPTIVE_POOLS:
            return self.pool(func, *args, **kwargs)
        if func in EXPANSIONS:
            expanded = func(*args, **kwargs)
            self.sources[id(expanded)] = (expanded, args[0])
            return expanded
        if (func in PRODUCTS or func in SUMS or func in PRODUCTS_IN_PLACE) and not kwargs and len(args) == 2:
            return self.combine(func, *args)
        if func is functional.linear:
            return self.follow_linear(*args, **kwargs)
        if func in POINTWISE or func in MEANS:
            return self.follow(func, args, kwargs)
        if func in RESHAPES:
            return self.reshape(func, args, kwargs)
        return func(*args, **kwargs)

    def pool(self, func: Function, x: Tensor, output_size: Any, return_indices: bool = False) -> Any:
        window = find_window((x.shape[-2], x.shape[-1]), output_size) if x.ndim == 4 and not return_indices else None
        if window is None:
            return func(x, output_size, *([True] if return_indices else []))
        self.on_change(ADAPTIVE_POOL)
        return ADAPTIVE_POOLS[func](x, window)

    def combine(self, func: Function, first: Any, second: Any) -> Any:
        left, right = self.find_pooled(first), self.find_pooled(second)
        operands = [first if func in PRODUCTS_IN_PLACE else self.unexpand(first), self.unexpand(second)]
        tensors = isinstance(first, Tensor) and isinstance(second, Tensor)
        if tensors and _broadcast(*operands) == _broadcast(first, second):
            if operands[0] is not first or operands[1] is not second:
                self.on_change(EXPAND)
            first, second = operands
        result = func(first, second)
        if left is not None and right is not None and left.steps and right.steps and func in SUMS:
            self.remember(result, left.then(lambda pooled: func(pooled, right.compute())))
        return result

    def unexpand(self, operand: Any) -> Any:
        expanded, source = self.sources.get(id(operand), (None, None))
        return source if expanded is operand and source is not None else operand

    def follow_linear(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Any:
        result = functional.linear(x, weight, bias)
        known = self.find_pooled(x)
        if known is not None:
            kernel = weight[:, :, None, None]
            self.remember(result, known.then(lambda pooled: functional.conv2d(pooled, kernel, bias)))
        return result

    def follow(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Pointwise functions of a flat pooled map, and means that pool and flatten at once."""
        x = args[0]
        known = self.find_pooled(x)
        result = func(*args, **kwargs)
        if not isinstance(result, Tensor):
            return result
        if func in POINTWISE and known is not None:
            if result is x and not known.steps:  # changed in place: the pooled map changed with it
                del self.pooled[id(x)]
                return result
            self.remember(result, known.then(lambda pooled: func(pooled, *args[1:], **kwargs)))
        elif func in MEANS and result.ndim == 2 and _pools_map(x, *args[1:], **kwargs):
            self.remember(result, Pooled(lambda: func(x, (2, 3), keepdim=True)))
        return result

    def reshape(self, func: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        x = args[0]
        result = func(*args, **kwargs)
        if func is Tensor.__getitem__ and not _only_adds_axes(args[1]):
            return result
        known = self.find_pooled(x)
        if known is None and x.ndim == 4 and x.shape[2:] == (1, 1):
            known = Pooled(lambda: x)
        if known is None or result.shape[:2] != x.shape[:2] or any(size != 1 for size in result.shape[2:]):
            return result
        if result.ndim == 4 and known.steps:
            self.on_change(LINEAR)
            return known.compute()
        self.remember(result, known)
        return result

    def find_pooled(self, x: Any) -> Pooled | None:
        tensor, known = self.pooled.get(id(x), (None, None))
        return known if tensor is x else None

    def remember(self, tensor: Tensor, known: Pooled) -> None:
        self.pooled[id(tensor)] = (tensor, known)


def _broadcast(first: Tensor, second: Tensor) -> torch.Size:
    return torch.broadcast_shapes(first.shape, second.shape)  # type: ignore[no-untyped-call,no-any-return]


def _pools_map(x: Tensor, dim: Any = None, **_others: Any) -> bool:
    return x.ndim == 4 and isinstance(dim, (tuple, list)) and {axis % 4 for axis in dim} == {2, 3}


def _only_adds_axes(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or part is Ellipsis or part == slice(None) for part in parts)


class FriendlyNetwork(nn.Module):
    """A network with the functions above exchanged whenever it runs, also under an exporter."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Any:
        with FriendlyFunctions():
            return self.network(x)
