"""Running a network that may be anybody's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Generator, Tensor, nn

from pocketbench.core.errors import ModelFault, PocketbenchError, UsageError


def draw_input(shape: tuple[int, ...], generator: Generator) -> Tensor:
    """A float32 input from N(0, 1).

    Raises:
        UsageError: when the shape has a dimension that is no whole number above 0, or does not fit into memory.
    """
    if not shape or any(isinstance(size, bool) or not isinstance(size, int) or size < 1 for size in shape):
        raise UsageError(f"input shape {shape!r} has a dimension that can't be", "expected whole numbers above 0")
    try:
        return torch.randn(shape, generator=generator)
    except RuntimeError as error:
        raise UsageError(f"an input of shape {shape} can't be made: {error}", "choose a smaller input") from error


def run_on(model: nn.Module, example: Tensor) -> object:
    """What `model` returns for `example`, in evaluation mode and without gradients.

    Raises:
        ModelFault: when the network raises; our own errors pass.
    """
    try:
        with torch.no_grad(), evaluation_mode(model):
            return model(example)
    except PocketbenchError:
        raise
    except Exception as error:  # a user's network can raise anything
        raise ModelFault(
            f"the network does not run on an input of shape {tuple(example.shape)}: {type(error).__name__}: {error}",
            "check the input shape; the network gets one float32 tensor",
        ) from error


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside, each module's own mode again after it."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
