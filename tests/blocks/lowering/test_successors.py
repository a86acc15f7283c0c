"""Projections that no Sequential announces: found in the graph, and only where nothing else uses the block's output."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from pocketbench.blocks.factory import make_block
from pocketbench.blocks.lowering.lower import choose_forms, lower_model
from pocketbench.blocks.lowering.sites import find_places, find_projections
from pocketbench.blocks.randomise import randomise_statistics

SHAPE = (1, 3, 12, 12)


class Inverted(nn.Module):
    """A block, a projection and a BatchNorm that only the forward connects, as in timm."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(8)  # declared in another order than it is called
        self.project = nn.Conv2d(32, 8, 1, bias=False)
        self.se = make_block("se", channels=32, size=(12, 12), reduction=4)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.bn2(self.project(self.se(self.stem(x).relu())))
        return result


class UsedTwice(Inverted):
    def forward(self, x: Tensor) -> Tensor:
        attended = self.se(self.stem(x).relu())
        result: Tensor = self.bn2(self.project(attended)) + attended.mean(1, keepdim=True)
        return result


class ActivatedNorm(nn.BatchNorm2d):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).relu()


class Activated(Inverted):
    def __init__(self) -> None:
        super().__init__()
        self.bn2 = ActivatedNorm(8)


class CalledTwice(Inverted):
    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x).relu()
        result: Tensor = self.bn2(self.project(self.se(x)) + self.project(x))
        return result


def build(kind: type[nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    network = kind().eval()
    randomise_statistics(network, SHAPE, torch.Generator().manual_seed(0))
    return network


@pytest.mark.parametrize(
    ("kind", "layers"),
    [(Inverted, ("project", "bn2")), (UsedTwice, ()), (Activated, ("project",)), (CalledTwice, ())],
)
def test_the_layers_behind_a_block(kind: type[nn.Module], layers: tuple[str, ...]) -> None:
    network = build(kind)
    (place,) = find_places(network, find_projections(network, SHAPE))
    assert place.projection_paths == layers
    assert (place.site.projection is not None) == bool(layers)


def test_without_an_input_shape_only_sequentials_tell() -> None:
    network = build(Inverted)
    (place,) = find_places(network, find_projections(network))
    assert place.projection_paths == ()


@pytest.mark.parametrize("target", ["tflite", "onnx-arm"])
@pytest.mark.parametrize("kind", [Inverted, UsedTwice, Activated, CalledTwice])
def test_a_lowered_network_computes_the_same(kind: type[nn.Module], target: str) -> None:
    network = build(kind)
    lowered = lower_model(network, target, find_projections(network, SHAPE))
    (choice,) = choose_forms(network, target, find_projections(network, SHAPE))
    if kind is Inverted:
        assert choice.rule is not None
        assert choice.rule.form.takes_projection
    x = torch.randn(SHAPE)
    with torch.no_grad():
        assert torch.allclose(lowered(x), network(x), rtol=1e-4, atol=1e-4)
    assert isinstance(network.get_submodule("project"), nn.Conv2d)  # the network itself stays
