"""What happens inside a network while it runs once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import NoneType
from typing import Any

import torch
from torch import Tensor, nn

from pocketbench.blocks.model_runs import run_on
from pocketbench.blocks.rewriting.functions import FriendlyFunctions
from pocketbench.blocks.rewriting.suspicion import Products

OnCall = Callable[[str, Tensor | None, Tensor | None], None]
"""Called with a module's path, its input (None unless one tensor is), and its output (None unless it is a
tensor, and before the call)."""


@dataclass(slots=True)
class Observed:
    """All calls of a module: the shapes (C, H, W) of its maps, and whether each output has its input's shape."""

    shapes: set[tuple[int, int, int]] = field(default_factory=set)
    keeps_shape: bool = True
    scales_input: bool = True

    @property
    def sizes(self) -> set[tuple[int, int]]:
        return {(height, width) for _, height, width in self.shapes}


def observe_calls(model: nn.Module, example: Tensor) -> dict[str, Observed]:
    """The modules that a run calls. Raises: ModelFault."""
    observed: dict[str, Observed] = {}
    products = Products()

    def leave(path: str, given: Tensor | None, result: Tensor | None) -> None:
        seen = observed.setdefault(path, Observed())
        if given is not None and given.ndim == 4:
            seen.shapes.add((given.shape[1], given.shape[2], given.shape[3]))
        same = given is not None and result is not None and given.shape == result.shape
        seen.keeps_shape &= same
        seen.scales_input &= same and products.scales(given, result)  # type: ignore[arg-type]

    with hooks_on(model, leave=leave), products:
        run_on(model, example)
    return observed


def find_function_changes(model: nn.Module, example: Tensor) -> dict[str, set[str]]:
    """What `FriendlyFunctions` exchanges in a run, by the path of the module whose forward calls it.

    Raises: ModelFault.
    """
    changes: dict[str, set[str]] = {}
    stack: list[str] = []

    def enter(path: str, _given: Tensor | None, _result: Tensor | None) -> None:
        stack.append(path)

    def leave(_path: str, _given: Tensor | None, _result: Tensor | None) -> None:
        stack.pop()

    with (
        hooks_on(model, enter=enter, leave=leave),
        FriendlyFunctions(lambda what: changes.setdefault(stack[-1], set()).add(what)),
    ):
        run_on(model, example)
    return changes


@contextmanager
def hooks_on(model: nn.Module, *, enter: OnCall | None = None, leave: OnCall | None = None) -> Iterator[None]:
    """While inside, `enter` is called before each, `leave` after it."""
    handles = []
    for path, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):  # takes no hooks, and nothing inside can be replaced
            continue
        if enter is not None:
            handles.append(module.register_forward_pre_hook(_enter_hook(path, enter), with_kwargs=True))
        if leave is not None:
            handles.append(module.register_forward_hook(_leave_hook(path, leave), with_kwargs=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _enter_hook(path: str, enter: OnCall) -> Callable[..., None]:
    def hook(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        enter(path, _single_tensor(args, kwargs), None)

    return hook


def _leave_hook(path: str, leave: OnCall) -> Callable[..., None]:
    def hook(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: object) -> None:
        leave(path, _single_tensor(args, kwargs), output if isinstance(output, Tensor) else None)

    return hook


def _single_tensor(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor | None:
    """The only tensor among the arguments; None when there are others, or structures that may hold one."""
    given = [value for value in (*args, *kwargs.values()) if not isinstance(value, (NoneType, bool, int, float, str))]
    return given[0] if len(given) == 1 and isinstance(given[0], Tensor) else None
