"""Exchanging the gates of attention blocks: cheaper, and another function."""

from __future__ import annotations

from torch import nn

from pocketbench.blocks.catalog import SWAPPED_GATES
from pocketbench.blocks.rewriting.families import find_own_blocks
from pocketbench.blocks.rewriting.obstacles import find_hook
from pocketbench.core.errors import UsageError


def check_swap(gate: str | None) -> None:
    """Raises: UsageError when `gate` is none to exchange sigmoids for."""
    if gate is not None and gate not in SWAPPED_GATES:
        raise UsageError(f"swap_gates is {gate!r}", f"expected None or one of {', '.join(SWAPPED_GATES)}")


def swap_sigmoids(model: nn.Module) -> tuple[str, ...]:
    """Make each sigmoid gate of the catalogue's blocks a hard sigmoid, in place; no other sigmoid of the network.

    Returns: the paths of the exchanged gates.
    """
    swapped: list[str] = []
    for path in find_own_blocks(model):
        block = model.get_submodule(path)
        for name, part in list(block.named_modules()):
            parent, _, attribute = name.rpartition(".")
            if attribute == "gate" and type(part) is nn.Sigmoid and find_hook(part) is None:
                setattr(block.get_submodule(parent), attribute, nn.Hardsigmoid())
                swapped.append(f"{path}.{name}" if path else name)
    return tuple(dict.fromkeys(swapped))
