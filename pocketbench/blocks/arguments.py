"""Checks of the arguments and inputs of attention blocks."""

from __future__ import annotations

from torch import Tensor

from pocketbench.core.errors import UsageError


def check_channels(channels: int) -> None:
    """Raises: UsageError when `channels` is not a whole number above 0."""
    _check_count("channels", channels)


def check_size(size: tuple[int, int]) -> tuple[int, int]:
    """The pair (height, width).

    Raises:
        UsageError: when `size` is not two whole numbers above 0.
    """
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        raise UsageError(f"size is {size!r}", "expected the map's (height, width), for example (14, 14)")
    _check_count(f"the height of size {size!r}", size[0])
    _check_count(f"the width of size {size!r}", size[1])
    return size[0], size[1]


def check_reduction(reduction: int, channels: int, *, always_fits: int = 1) -> None:
    """Refuse a ratio that leaves nothing of the channels.

    Args:
        always_fits: a ratio up to which a floor on the hidden channels makes sense of few channels.

    Raises:
        UsageError: when `reduction` is not a whole number from 1 to `channels`.
    """
    _check_count("reduction", reduction)
    if reduction > max(channels, always_fits):
        raise UsageError(
            f"reduction {reduction} is larger than the {channels} channels it divides",
            f"expected a whole number from 1 to {max(channels, always_fits)}",
        )


def check_parts(channels: int, parts: int, what: str) -> None:
    """Raises: UsageError when `channels` can't be cut into `parts` equal parts; `what` names the parts."""
    if channels % parts:
        raise UsageError(
            f"{channels} channels can't be cut into {parts} equal {what}", f"expected a multiple of {parts} channels"
        )


def check_pool(size: tuple[int, int], pool: int) -> None:
    """Raises: UsageError when a pool of `pool` x `pool` positions does not fit into the map."""
    if min(size) < pool:
        raise UsageError(
            f"a map of size {size!r} is smaller than the pool of {pool} x {pool} positions",
            "give the network a larger input, or take another block",
        )


def check_map(x: Tensor, channels: int, size: tuple[int, int]) -> None:
    """Refuse a map that the fixed pools were not built for; in an exported graph the check leaves no operator.

    Raises:
        UsageError: when `x` is not of shape (N, channels, height, width).
    """
    if x.ndim != 4 or tuple(x.shape[1:]) != (channels, *size):
        height, width = size
        raise UsageError(
            f"a block built for maps of shape (N, {channels}, {height}, {width}) got {tuple(x.shape)}",
            "build it for the map's channels and size",
        )


def _check_count(what: str, value: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UsageError(f"{what} is {value!r}", "expected a whole number above 0")
