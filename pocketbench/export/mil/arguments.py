"""What an operator's function gets: the resolved inputs of one operation, asked for by name and kind."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch

from pocketbench.export.mil.element_types import ELEMENT_TYPES, ElementType, NamedTensor

Value = torch.Tensor | str

MAX_ELEMENTS = 1 << 28
"""No tensor of a phone's model is larger (1 GB of float32): a package that asks for more is refused."""


class OperationFault(Exception):
    """An operation whose inputs contradict each other: the file is damaged."""


class UnsettledOperation(Exception):
    """An operation, or a mode of one, whose result is not known here."""


class Arguments:
    """The inputs of one operation.

    Every input must be asked for: one that an operator's function does not know would silently change nothing.

    Args:
        inputs: parameter -> its values.
        outputs: what the file declares as results.
        ios_version: the operator set.
    """

    def __init__(self, inputs: Mapping[str, Sequence[Value]], outputs: Sequence[NamedTensor], ios_version: int) -> None:
        self._inputs = inputs
        self._asked: set[str] = set()
        self.outputs = outputs
        self.ios_version = ios_version

    def __contains__(self, name: str) -> bool:
        return name in self._inputs

    def tensor(self, name: str) -> torch.Tensor:
        """The tensor bound to `name`. Raises: OperationFault when there is none."""
        value = self._one(name)
        if not isinstance(value, torch.Tensor):
            raise OperationFault(f"input {name!r} is no tensor")
        return value

    def optional_tensor(self, name: str) -> torch.Tensor | None:
        return self.tensor(name) if self._ask(name) else None

    def tensors(self, name: str) -> list[torch.Tensor]:
        """All tensors bound to `name`."""
        if not self._ask(name):
            raise OperationFault(f"input {name!r} is missing")
        values = [value for value in self._inputs[name] if isinstance(value, torch.Tensor)]
        if len(values) != len(self._inputs[name]) or not values:
            raise OperationFault(f"input {name!r} does not hold tensors only")
        return values

    def number(self, name: str, default: float | None = None) -> float:
        """A scalar; `default` stands for an input that is not given."""
        if default is not None and not self._ask(name):
            return default
        return self.tensor(name).item()

    def integer(self, name: str, default: int | None = None) -> int:
        return int(self.number(name, default))

    def flag(self, name: str, default: bool | None = None) -> bool:
        return bool(self.number(name, default))

    def integers(self, name: str, default: Sequence[int] | None = None) -> list[int]:
        """The values of a vector of whole numbers, or of truth values as 0 and 1."""
        if default is not None and not self._ask(name):
            return list(default)
        value = self.tensor(name)
        if value.is_floating_point():
            raise OperationFault(f"input {name!r} is not whole")
        return [int(item) for item in value.flatten().tolist()]

    def text(self, name: str, default: str | None = None) -> str:
        if default is not None and not self._ask(name):
            return default
        value = self._one(name)
        if not isinstance(value, str):
            raise OperationFault(f"input {name!r} is no text")
        return value

    def element(self, name: str, default: str | None = None) -> ElementType:
        """The element type whose MIL name is the text bound to `name`."""
        text = self.text(name, default)
        if text not in ELEMENT_TYPES:
            raise OperationFault(f"there is no element type {text!r}")
        return ELEMENT_TYPES[text]

    def ignore(self, *names: str) -> None:
        """Inputs that do not change the result here."""
        self._asked.update(names)

    def unasked(self) -> list[str]:
        return sorted(set(self._inputs) - self._asked)

    def _ask(self, name: str) -> bool:
        self._asked.add(name)
        return name in self._inputs

    def _one(self, name: str) -> Value:
        if not self._ask(name):
            raise OperationFault(f"input {name!r} is missing")
        values = self._inputs[name]
        if len(values) != 1:
            raise OperationFault(f"input {name!r} has {len(values)} values, expected one")
        return values[0]


def check_size(shape: Sequence[int]) -> list[int]:
    """`shape`, when a tensor of it may be made. Raises: OperationFault when it is negative or too large."""
    if min(shape, default=0) < 0 or math.prod(shape) > MAX_ELEMENTS:
        raise OperationFault(f"it asks for a tensor of shape {list(shape)}")
    return list(shape)


def wrap_axis(axis: int, rank: int) -> int:
    """`axis` counted from the front. Raises: OperationFault when there is no such axis."""
    if not -rank <= axis < max(rank, 1):
        raise OperationFault(f"axis {axis} does not exist in a tensor of rank {rank}")
    return axis + rank if axis < 0 else axis
