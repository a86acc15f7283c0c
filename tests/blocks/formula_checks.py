"""The checks that every block passes against its paper's formula: outputs, gradients, statistics in training."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from pocketbench.blocks.catalog import default_reduction
from pocketbench.blocks.factory import make_block
from tests.blocks import reference

Formula = Callable[..., Tensor]
"""f(x, weights by name, gate) or f(x, weights, gate, training=...), written in plain torch without the package."""

SIZES = [(14, 14), (7, 7), (5, 9), (12, 3), (1, 1), (1, 6)]
GATES = list(reference.GATES)


def make_random_block(name: str, channels: int, size: tuple[int, int], gate: str | None) -> nn.Module:
    """A block with weights large enough for the hard gates to reach both their ends; gate None: it has no choice."""
    torch.manual_seed(channels + size[0])
    reduction = 4 if default_reduction(name) else None
    options = {} if gate is None else {"gate": gate}
    block = make_block(name, channels=channels, size=size, reduction=reduction, **options).eval()
    for key, value in block.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5 if "var" in key else torch.randn_like(value))
    return block


def check_output(name: str, formula: Formula, channels: int, size: tuple[int, int], gate: str | None) -> None:
    """The block's output is the formula's, and not its input."""
    block = make_random_block(name, channels, size, gate)
    x = torch.randn(2, channels, *size)
    expected = formula(x, block.state_dict(), *([] if gate is None else [reference.GATES[gate]]))
    with torch.no_grad():
        assert torch.allclose(block(x), expected, rtol=1e-5, atol=1e-5 * float(expected.abs().max().clamp(min=1)))
    assert not torch.allclose(expected, x, rtol=0.01)  # the gate is not 1 everywhere


def check_gradients(
    name: str, formula: Formula, gate: str | None, *, training: bool, has_statistics: bool, channels: int = 72
) -> None:
    """The gradients of input and parameters are the formula's; so are the running statistics after a step.

    Args:
        has_statistics: the block holds BatchNorm, and `formula` takes `training`.
    """
    block = make_random_block(name, channels, (5, 9), gate).double().train(training)
    parameters = dict(block.named_parameters())
    weights = {key: value.clone() for key, value in block.state_dict().items()} | parameters
    x = torch.randn(3, channels, 5, 9, dtype=torch.float64, requires_grad=True)
    options = {"training": training} if has_statistics else {}
    found = block(x)
    expected = formula(x, weights, *([] if gate is None else [reference.GATES[gate]]), **options)
    assert torch.allclose(found, expected, rtol=1e-9, atol=1e-9)
    direction = torch.randn_like(found)
    leaves = [x, *parameters.values()]
    for ours, theirs in zip(
        torch.autograd.grad(found, leaves, direction), torch.autograd.grad(expected, leaves, direction), strict=True
    ):
        assert torch.allclose(ours, theirs, rtol=1e-6, atol=1e-6)  # torch's own hard-sigmoid has a 1/6 of float32
        assert theirs.abs().max() > 0
    for key, value in block.state_dict().items():
        if "running" in key:
            assert torch.allclose(value, weights[key], rtol=1e-9, atol=1e-9)
