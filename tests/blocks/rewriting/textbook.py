"""Attention as people write it in their own repositories, and a network around it."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS = 16


class Network(nn.Module):
    """stem, attention, head: (N, 3, H, W) to (N, 5, H / 2, W / 2)."""

    def __init__(self, attention: nn.Module, channels: int = CHANNELS) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, channels, 3, 2, 1)
        self.attention = attention
        self.head = nn.Conv2d(channels, 5, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.attention(self.stem(x)))


class LinearSqueeze(nn.Module):
    """The SELayer of many repositories: linear layers without biases, view, expand_as."""

    def __init__(self, channels: int = CHANNELS, hidden: int = 6) -> None:
        super().__init__()
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        layers = (nn.Linear(channels, hidden, bias=False), nn.ReLU(inplace=True))
        self.fc = nn.Sequential(*layers, nn.Linear(hidden, channels, bias=False), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        b, c, _, _ = x.size()
        y = self.fc(self.avg_pool(x).view(b, c)).view(b, c, 1, 1)
        return x * y.expand_as(x)


class HandMadeHardSigmoid(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU6(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(x + 3) / 6


class HandMadeHardSwish(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.sigmoid = HandMadeHardSigmoid()

    def forward(self, x: Tensor) -> Tensor:
        return x * self.sigmoid(x)


class CoordAtt(nn.Module):
    """coordatt.py's structure, with modules for the activations, and adaptive pools of one axis."""

    def __init__(self, channels: int = CHANNELS, hidden: int = 8) -> None:
        super().__init__()
        self.pool_h = nn.AdaptiveAvgPool2d((None, 1))
        self.pool_w = nn.AdaptiveAvgPool2d((1, None))
        self.conv1 = nn.Conv2d(channels, hidden, 1)
        self.bn1 = nn.BatchNorm2d(hidden)
        self.act = HandMadeHardSwish()
        self.conv_h = nn.Conv2d(hidden, channels, 1)
        self.conv_w = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        _, _, h, w = x.size()
        y = torch.cat([self.pool_h(x), self.pool_w(x).permute(0, 1, 3, 2)], dim=2)
        y_h, y_w = torch.split(self.act(self.bn1(self.conv1(y))), [h, w], dim=2)
        return x * self.conv_w(y_w.permute(0, 1, 3, 2)).sigmoid() * self.conv_h(y_h).sigmoid()


class SkippedSqueeze(nn.Module):
    """SE with a skip connection, all in functions: no family has it."""

    def __init__(self, channels: int = CHANNELS) -> None:
        super().__init__()
        self.layers = nn.ModuleDict(OrderedDict(a=nn.Linear(channels, 6), b=nn.Linear(6, channels)))

    def forward(self, x: Tensor) -> Tensor:
        b, c, _, _ = x.shape
        y = functional.relu(self.layers["a"](functional.adaptive_avg_pool2d(x, 1).view(b, c)), inplace=True)
        y = torch.sigmoid(self.layers["b"](y)).view(b, c, 1, 1)
        return x + x * y.expand_as(x)


class TwoPools(nn.Module):
    """CBAM's channel part in linear layers, scaled in place; the network uses the changed input again."""

    def __init__(self, channels: int = CHANNELS) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(channels, 4), nn.ReLU(), nn.Linear(4, channels))

    def forward(self, x: Tensor) -> Tensor:
        y = self.mlp(x.mean((2, 3))) + self.mlp(functional.adaptive_max_pool2d(x, (1, 1)).flatten(1))
        x *= torch.sigmoid(y)[:, :, None, None].expand(x.shape)
        return 2 * x
