"""The weights of timm's networks in ours."""

from __future__ import annotations

import torch
from torch import nn


def draw_like(model: nn.Module) -> None:
    """Random weights and statistics of a size that keeps the maps alive."""
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if name.endswith("running_var"):
                value.uniform_(0.5, 1.5)
            elif value.ndim == 1 and value.is_floating_point():
                value.add_(0.2 * torch.randn_like(value))


def copy_weights(theirs: nn.Module, ours: nn.Module) -> None:
    """Take over every weight and statistic by their order, which is that of the layers in both.

    timm writes some linear layers as convolutions of one position.
    """
    wanted, given = ours.state_dict(), theirs.state_dict()
    assert len(wanted) == len(given)
    copied = {}
    for (name, value), other in zip(wanted.items(), given.values(), strict=True):
        assert value.numel() == other.numel(), name
        copied[name] = other.reshape(value.shape)
    ours.load_state_dict(copied)
