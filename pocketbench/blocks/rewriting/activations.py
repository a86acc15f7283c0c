"""Activations by what they compute, whoever wrote them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import torch
from torch import Tensor, nn

ACTIVATIONS: tuple[type[nn.Module], ...] = (
    nn.Identity,
    nn.ReLU,
    nn.ReLU6,
    nn.SiLU,
    nn.Hardswish,
    nn.Sigmoid,
    nn.Hardsigmoid,
    nn.GELU,
    nn.Mish,
    nn.Tanh,
)
GATES = (nn.Sigmoid, nn.Hardsigmoid)
GUESSED_INNER = (nn.ReLU, nn.ReLU6, nn.Hardswish)
CLOSE = 1e-6  # torch's own hard-sigmoid has a 1/6 of float32


def recognise_activation(module: nn.Module) -> nn.Module | None:
    """torch's activation that computes what `module` does; None when it holds weights or computes something else."""
    if next(module.parameters(), None) is not None:
        return None
    grid = torch.linspace(-9.0, 9.0, 257, dtype=torch.float64)[None, None, None]  # (1, 1, 1, 257)
    try:
        with torch.no_grad():
            found = module(grid.clone())
    except Exception:  # noqa: BLE001  anybody's module may refuse such an input: then it is no activation
        return None
    if not isinstance(found, Tensor) or found.shape != grid.shape:
        return None
    for kind in ACTIVATIONS:
        if torch.allclose(kind()(grid.clone()), found.double(), rtol=CLOSE, atol=CLOSE):
            return kind()
    return None


def guess_inner_and_gate(activations: list[nn.Module]) -> Iterator[tuple[nn.Module, nn.Module]]:
    """The pairs (inside, gate) that an attention block with these modules may have, the likeliest first.

    What is not among its modules its forward calls as a function; the comparison of the outputs decides which.
    """
    if len(activations) > 2:
        return
    gates: list[nn.Module] = [module for module in activations if isinstance(module, GATES)]
    inner = [module for module in activations if not isinstance(module, GATES)]
    if len(activations) == 2 and len(gates) != 1:
        inner, gates = activations[:1], activations[1:]
    inner = inner or [kind() for kind in GUESSED_INNER]
    gates = gates or [kind() for kind in GATES]
    yield from itertools.product(inner, gates)
