"""Folding BatchNorm on the exported graph."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pocketbench.export.folding import fold_batch_norm
from tests.export.networks import INPUT_SHAPE, make_small_network


def export(model: nn.Module, shape: tuple[int, ...] = INPUT_SHAPE) -> torch.fx.GraphModule:
    return torch.export.export(model.eval(), (torch.randn(shape),)).module()


def count_norms(graph_module: torch.fx.GraphModule) -> int:
    return sum(node.target is torch.ops.aten.batch_norm.default for node in graph_module.graph.nodes)


def test_folds_every_norm_also_behind_a_shared_convolution() -> None:
    model = make_small_network()
    image = torch.randn(INPUT_SHAPE)
    graph_module = export(model)
    assert fold_batch_norm(graph_module) == 3
    assert count_norms(graph_module) == 0
    torch.testing.assert_close(graph_module(image), model(image), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_folds_with_and_without_bias_and_affine(affine: bool, bias: bool) -> None:
    model = nn.Sequential(nn.Conv2d(4, 6, 3, groups=2, bias=bias), nn.BatchNorm2d(6, affine=affine)).eval()
    nn.init.uniform_(model[1].running_mean)
    nn.init.uniform_(model[1].running_var, 0.5, 2.0)
    image = torch.randn(2, 4, 9, 7)
    graph_module = export(model, (2, 4, 9, 7))
    assert fold_batch_norm(graph_module) == 1
    torch.testing.assert_close(graph_module(image), model(image), rtol=1e-5, atol=1e-6)


def test_leaves_a_convolution_whose_output_is_used_elsewhere() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convolution, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.convolution(x)
            return self.norm(y) + y

    graph_module = export(Twice(), (1, 3, 4, 4))
    assert fold_batch_norm(graph_module) == 0
    assert count_norms(graph_module) == 1


def test_leaves_a_norm_in_training_form_and_one_after_no_convolution() -> None:
    training = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3, track_running_stats=False))
    assert fold_batch_norm(export(training, (2, 3, 4, 4))) == 0
    assert fold_batch_norm(export(nn.Sequential(nn.ReLU(), nn.BatchNorm2d(3)), (2, 3, 4, 4))) == 0


def test_leaves_a_convolution_whose_weight_is_computed() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight, self.norm = nn.Parameter(torch.randn(3, 3, 1, 1)), nn.BatchNorm2d(3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.norm(nn.functional.conv2d(x, self.weight * x.mean()))

    graph_module = export(Scaled(), (1, 3, 4, 4))
    assert fold_batch_norm(graph_module) == 0
