"""Efficient local attention against its formula, and its form for files against the one it is trained in."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tests.blocks.formula_checks import GATES, SIZES, check_gradients, check_output, make_random_block
from tests.blocks.reference import Gate, Weights


def efficient_local_attention(x: Tensor, weights: Weights, gate: Gate, *, training: bool = False) -> Tensor:
    """Strips as sequences, as in the paper, with a batch norm over both at once."""
    _, channels, height, width = x.shape
    kernel = weights["conv.weight"].squeeze(3)
    strips = [
        functional.conv1d(strip, kernel, padding=3, groups=channels)
        for strip in (x.mean(3), x.mean(2))  # (N, C, H), (N, C, W)
    ]
    mean, variance = weights["bn.running_mean"], weights["bn.running_var"]
    both = functional.batch_norm(
        torch.cat(strips, 2), mean, variance, weights["bn.weight"], weights["bn.bias"], training=training
    )
    a_h, a_w = torch.split(gate(both), [height, width], dim=2)
    return x * a_h[:, :, :, None].expand_as(x) * a_w[:, :, None, :].expand_as(x)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_output_is_that_of_the_formula(size: tuple[int, int], gate: str) -> None:
    for channels in (16, 72):
        check_output("ela", efficient_local_attention, channels, size, gate)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_gradients_are_those_of_the_formula(gate: str, training: bool) -> None:
    check_gradients("ela", efficient_local_attention, gate, training=training, has_statistics=True)


def test_export_folds_the_norm_and_computes_the_same() -> None:
    block = make_random_block("ela", 16, (5, 9), None)
    x = torch.randn(1, 16, 5, 9)
    program = torch.export.export(block, (x,), strict=False)
    operators = {str(node.target) for node in program.graph.nodes if node.op == "call_function"}
    assert not any("batch_norm" in operator or "cat" in operator for operator in operators)
    with torch.no_grad():
        assert torch.allclose(program.module()(x), block(x), rtol=1e-4, atol=1e-5)
