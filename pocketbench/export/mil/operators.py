"""Every MIL operator that can be evaluated here, by name. A new one: a function in the file of its family."""

from __future__ import annotations

from collections.abc import Callable

import torch

from pocketbench.export.mil import (
    activation,
    compression,
    convolution,
    elementwise,
    indexing,
    linear,
    normalisation,
    pooling,
    reduction,
    resizing,
    shape,
)
from pocketbench.export.mil.arguments import Arguments

OPERATORS: dict[str, Callable[[Arguments], torch.Tensor | tuple[torch.Tensor, ...]]] = {
    name: operator
    for family in (
        activation,
        compression,
        convolution,
        elementwise,
        indexing,
        linear,
        normalisation,
        pooling,
        reduction,
        resizing,
        shape,
    )
    for name, operator in family.OPERATORS.items()
}
