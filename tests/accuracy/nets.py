"""A network that learns in a second, with everything that makes training random: dropout, BatchNorm, initialisation."""

from __future__ import annotations

import torch
from torch import nn


def build_small() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU6(),
        nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False),
        nn.BatchNorm2d(8),
        nn.Hardswish(),
        nn.Flatten(),
        nn.Dropout(0.1),
        nn.Linear(8 * 8 * 8, 3),
    )


class Shared(nn.Module):
    """Two layers with one weight, and a weight that nothing depends on."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(256, 256), nn.Linear(256, 256)
        self.second.weight = self.first.weight
        self.unused, self.last = nn.Parameter(torch.ones(2)), nn.Linear(256, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.last(self.second(self.first(x.flatten(1)).relu()).relu())
        return scores


def build_shared() -> nn.Module:
    return Shared()


def build_two_classes() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(256, 2))


def build_map() -> nn.Module:
    return nn.Conv2d(1, 3, 1)
