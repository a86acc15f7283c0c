"""Functions that export badly, inside modules that nobody knows."""

from __future__ import annotations

from collections import Counter

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from pocketbench.blocks import make_export_friendly
from tests.blocks.rewriting.test_families import EXAMPLE, assert_same, draw_weights
from tests.blocks.rewriting.textbook import Network, SkippedSqueeze, TwoPools

HOSTILE = ("adaptive", "linear", "expand", "view", "flatten", "transpose", "permute")


def count_live_operators(model: nn.Module) -> Counter[str]:
    """The operators behind the output; what nobody uses is no part of a file."""
    graph = torch.export.export(model, (EXAMPLE,), strict=False).graph
    graph.eliminate_dead_code(lambda node: node.op in ("placeholder", "output"))
    return Counter(str(node.target) for node in graph.nodes if node.op == "call_function")


def find_hostile(model: nn.Module) -> list[str]:
    return [name for name in count_live_operators(model) if any(word in name for word in HOSTILE)]


@pytest.mark.parametrize("module", [SkippedSqueeze, TwoPools])
def test_functions_are_exchanged_where_the_module_stays(module: type[nn.Module]) -> None:
    torch.manual_seed(0)
    model = draw_weights(Network(module()))
    assert find_hostile(model) != []
    rewritten = make_export_friendly(model, EXAMPLE)
    assert_same(model, rewritten.model, EXAMPLE)
    assert find_hostile(rewritten.model) == []
    (change,) = rewritten.report.changes
    assert change.path == "attention"
    assert "1x1 convolution" in change.became
    assert "adaptive pool" in change.became
    assert "expand" in change.became


class Reused(nn.Module):
    """The expanded gate, the flat pooled map and the linear layer's output are used elsewhere too."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(16, 16)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        flat = functional.adaptive_avg_pool2d(x, 1).flatten(1)
        scores = self.fc(flat)
        gate = torch.sigmoid(scores)[:, :, None, None].expand_as(x)
        return x * gate, gate.cumsum(2), flat + scores.flip(1)


def test_what_is_used_elsewhere_stays_as_it_is() -> None:
    model = draw_weights(nn.Sequential(nn.Conv2d(3, 16, 1), Reused()))
    rewritten = make_export_friendly(model, EXAMPLE)
    for expected, found in zip(model(EXAMPLE), rewritten.model(EXAMPLE), strict=True):
        assert found.shape == expected.shape
        assert torch.allclose(found, expected, rtol=1e-4, atol=1e-5)


class Shuffled(nn.Module):
    """Things that look like a view to (N, C, 1, 1), and are none."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(16, 16)
        self.register_buffer("order", torch.randperm(16))

    def forward(self, x: Tensor) -> Tensor:
        pooled = functional.adaptive_avg_pool2d(x, 1).flatten(1).sigmoid_()
        scores = self.fc(pooled).t().reshape(1, 16, 1, 1)[:, self.order]
        return x * scores + x.mean((1, 2))[:, None, None, :] + functional.adaptive_avg_pool2d(x, (5, 5)).sum()


def test_what_only_looks_alike_is_not_exchanged() -> None:
    torch.manual_seed(0)
    model = draw_weights(nn.Sequential(nn.Conv2d(3, 16, 1), Shuffled()))
    rewritten = make_export_friendly(model, EXAMPLE)
    with torch.no_grad():
        assert torch.allclose(rewritten.model(EXAMPLE), model(EXAMPLE), rtol=1e-4, atol=1e-4)


def test_a_classifier_behind_a_pool_stays_linear() -> None:
    layers = (nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
    model = draw_weights(nn.Sequential(*layers))
    rewritten = make_export_friendly(model, EXAMPLE)
    assert [change.became for change in rewritten.report.changes] == ["a fixed pool of 16x10"]
    assert "aten.linear.default" in count_live_operators(rewritten.model)
    assert_same(model, rewritten.model)
