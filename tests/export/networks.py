"""Small networks that a test can convert in seconds, with weights and statistics that let an error show."""

from __future__ import annotations

import torch
from torch import nn


class SmallNetwork(nn.Module):
    """What mobile networks are made of, a convolution with BatchNorm that is applied twice among it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU6())
        self.shared = nn.Conv2d(8, 8, 1)
        self.norm = nn.BatchNorm2d(8)
        self.rows = nn.AvgPool2d((1, 16))
        self.columns = nn.AvgPool2d((16, 1))
        self.head = nn.Linear(8, 5)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        features = self.stem(image)  # (N, 8, 16, 16)
        along_rows = nn.functional.hardsigmoid(self.norm(self.shared(self.rows(features))))  # (N, 8, 16, 1)
        along_columns = nn.functional.hardsigmoid(self.norm(self.shared(self.columns(features))))  # (N, 8, 1, 16)
        return self.head((features * along_rows * along_columns).mean((2, 3)))  # (N, 5)


INPUT_SHAPE = (1, 3, 32, 32)


def make_small_network(seed: int = 0) -> nn.Module:
    """The network with drawn weights and BatchNorm statistics."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = SmallNetwork()
        nn.init.normal_(network.head.weight)
        nn.init.zeros_(network.head.bias)
        nn.init.normal_(network.stem[0].weight, std=0.4)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.running_mean, -0.3, 0.3)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
                nn.init.uniform_(module.weight, 1.0, 2.0)
                nn.init.uniform_(module.bias, -0.5, 0.5)
    return network.eval()
