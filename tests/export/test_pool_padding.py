"""Max-pools padded with zeros: only where that computes the same."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.fx import GraphModule

from pocketbench.export.pool_padding import pad_pools_with_zeros


def capture(network: nn.Module, x: torch.Tensor) -> GraphModule:
    module = torch.export.export(network.eval(), (x,), strict=False).module()
    assert isinstance(module, GraphModule)
    return module


@pytest.mark.parametrize("size", [(8, 8), (9, 7)], ids=str)
@pytest.mark.parametrize("pool", [nn.MaxPool2d(3, 2, 1), nn.MaxPool2d((3, 5), 1, (1, 2)), nn.MaxPool2d(3, 1, 1, 1)])
@pytest.mark.parametrize("before", [nn.ReLU(), nn.ReLU(inplace=True), nn.ReLU6(), nn.Hardsigmoid()])
def test_behind_a_relu_the_pool_computes_the_same(before: nn.Module, pool: nn.Module, size: tuple[int, int]) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), before, pool)
    x = torch.randn(2, 3, *size)
    module = capture(network, x)
    assert pad_pools_with_zeros(module) == 1
    pads = [node for node in module.graph.nodes if node.target == torch.ops.aten.constant_pad_nd.default]
    assert len(pads) == 1
    with torch.no_grad():
        assert torch.equal(module(x), network(x))


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(nn.Conv2d(3, 4, 1), nn.MaxPool2d(3, 2, 1)),
        nn.Sequential(nn.Conv2d(3, 4, 1), nn.Hardtanh(-1, 1), nn.MaxPool2d(3, 2, 1)),
        nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.MaxPool2d(3, 2)),
        nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.MaxPool2d(3, 2, 1, ceil_mode=True)),
    ],
    ids=["no ReLU", "below zero", "no padding", "ceil mode"],
)
def test_elsewhere_the_pool_stays(network: nn.Module) -> None:
    x = torch.randn(1, 3, 9, 9)
    module = capture(network, x)
    assert pad_pools_with_zeros(module) == 0
    with torch.no_grad():
        assert torch.equal(module(x), network(x))
