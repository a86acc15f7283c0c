"""An attention block by its name."""

from __future__ import annotations

import inspect

from torch import nn

from pocketbench.blocks.arguments import check_channels, check_size
from pocketbench.blocks.catalog import BLOCKS, GATES
from pocketbench.blocks.gates import make_gate
from pocketbench.core.errors import UsageError, nearest_name_hint

DEFAULT_GATE = GATES[0]


def make_block(
    name: str,
    *,
    channels: int,
    size: tuple[int, int],
    reduction: int | None = None,
    gate: str = DEFAULT_GATE,
    **unknown: object,
) -> nn.Module:
    """The block called `name`, for maps of `channels` x height x width.

    Args:
        channels: the channels of the map.
        size: the map's (height, width).
        reduction: None for the paper's default.
        gate: "hard_sigmoid" or "sigmoid".
        unknown: caught to name the nearest keyword that exists.

    Raises:
        UnknownNameError: when no block or no gate has the name.
        UsageError: for an argument out of range, or one that this block does not take.
    """
    block: type[nn.Module] = BLOCKS.load(name)
    keywords = inspect.signature(block).parameters
    if unknown:
        wrong = next(iter(unknown))
        known = [*dict.fromkeys([*keywords, "channels", "size", "gate"])]
        raise UsageError(f"attention block {name!r} has no argument {wrong!r}", nearest_name_hint(wrong, sorted(known)))
    check_channels(channels)
    check_size(size)
    make_gate(gate)
    if reduction is not None and "reduction" not in keywords:
        raise UsageError(f"attention block {name!r} has no reduction, got {reduction!r}", "leave the reduction out")
    if gate != DEFAULT_GATE and "gate" not in keywords:
        raise UsageError(f"attention block {name!r} has no gate to choose, got {gate!r}", "leave the gate out")
    options = {"channels": channels, "size": size, "gate": gate}
    if reduction is not None:
        options["reduction"] = reduction
    return block(**{key: value for key, value in options.items() if key in keywords})
