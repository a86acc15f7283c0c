"""Adaptive pools whose input has a fixed size, as pools of a fixed window."""

from __future__ import annotations

from torch import nn

from pocketbench.blocks.attention.mean_pool import make_mean_pool


def is_adaptive_pool(module: nn.Module) -> bool:
    return type(module) in (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)


def fix_pool(pool: nn.Module, size: tuple[int, int]) -> nn.Module | None:
    """The pool of a map of `size`; None where its windows differ in size or overlap, or it returns places too."""
    assert isinstance(pool, (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d))
    window = find_window(size, pool.output_size)
    if window is None or getattr(pool, "return_indices", False):
        return None
    if window == (1, 1):
        return nn.Identity()
    if isinstance(pool, nn.AdaptiveMaxPool2d):
        return nn.MaxPool2d(window)
    return make_mean_pool(size) if window == size else nn.AvgPool2d(window)


def find_window(size: tuple[int, int], output_size: object) -> tuple[int, int] | None:
    """The window of an adaptive pool from a map of `size`; None where the windows differ in size."""
    height, width = output_size if isinstance(output_size, (tuple, list)) else (output_size, output_size)
    outputs = (height or size[0], width or size[1])
    if not all(isinstance(output, int) for output in outputs) or size[0] % outputs[0] or size[1] % outputs[1]:
        return None
    return size[0] // outputs[0], size[1] // outputs[1]
