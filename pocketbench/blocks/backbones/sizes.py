"""How many channels and positions the layers of a backbone have."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pocketbench.core.errors import UsageError

Size = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapShape:
    """What a layer gives: its channels, the size of its map, and over how many pixels of the input a step goes."""

    channels: int
    size: Size
    stride: int


def round_channels(channels: float, divisor: int) -> int:
    """The nearest multiple of `divisor`, at least one, and never below 90% of `channels`."""
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


def halve(size: Size) -> Size:
    """The map size after a convolution of kernel 3, stride 2 and padding 1: (n - 1) // 2 + 1."""
    return (size[0] - 1) // 2 + 1, (size[1] - 1) // 2 + 1


def check_arguments(network: str, input_shape: tuple[int, ...], class_count: int, width_ratio: float) -> None:
    """Raises: UsageError, which names the `network`, when one of them is out of range."""
    counts = [*input_shape, class_count]
    if len(input_shape) != 4 or any(isinstance(n, bool) or not isinstance(n, int) or n < 1 for n in counts):
        raise UsageError(
            f"input shape {input_shape!r} with {class_count!r} classes is not one that {network} can have",
            "expected (N, C, H, W) and a class count, all whole numbers above 0",
        )
    number = isinstance(width_ratio, (int, float)) and not isinstance(width_ratio, bool)
    if not number or not math.isfinite(width_ratio) or width_ratio <= 0:
        raise UsageError(f"width {width_ratio!r} is not a factor on the channels", "expected a number above 0")
