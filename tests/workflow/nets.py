"""Functions that a user might name with --model package.module:function; some of them behave badly."""

from __future__ import annotations

import os

import torch
from torch import nn

from tests.export.networks import make_small_network


class FixedSize(nn.Module):
    """The small network on the one input size that it is made for."""

    def __init__(self) -> None:
        super().__init__()
        self.network = make_small_network()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.network(image)


def small() -> nn.Module:
    return FixedSize()


def crashing() -> nn.Module:
    os.abort()


def raising() -> nn.Module:
    raise OSError("the weights are on another disk")


def number() -> int:
    return 3


def untrained() -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(3, 16, 1)]
    for _ in range(8):
        layers += [nn.Conv2d(16, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    return nn.Sequential(*layers, nn.AvgPool2d(32), nn.Flatten(), nn.Linear(16, 4))


def two_inputs() -> nn.Module:
    return nn.Bilinear(3, 3, 3)


def from_environment() -> nn.Module:
    """The same code every time, other weights by what stands in the environment."""
    return make_small_network(int(os.environ["POCKETBENCH_TEST_SEED"]))


not_callable = 5
