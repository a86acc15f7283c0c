"""Triplet attention against its formula, the official weights, and its form for files."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from pocketbench.blocks.factory import make_block
from tests.blocks.formula_checks import GATES, SIZES, check_gradients, check_output, make_random_block
from tests.blocks.reference import Gate, Weights, sigmoid


def triplet_attention(x: Tensor, weights: Weights, gate: Gate, *, training: bool = False) -> Tensor:
    """Whole maps are turned, as in the paper; momentum 0.01 is the official code's."""

    def attend(turned: Tensor, name: str, kernel: Tensor) -> Tensor:
        pooled = torch.stack([turned.max(1).values, turned.mean(1)], dim=1)
        y = functional.conv2d(pooled, kernel, padding=3)
        mean, variance = weights[f"{name}.bn.running_mean"], weights[f"{name}.bn.running_var"]
        gamma, beta = weights[f"{name}.bn.weight"], weights[f"{name}.bn.bias"]
        y = functional.batch_norm(y, mean, variance, gamma, beta, training=training, momentum=0.01)
        return turned * gate(y).expand_as(turned)

    # Over (C, W), as in the paper; the block keeps this kernel for (W, C).
    of_cw = attend(x.permute(0, 2, 1, 3), "cw", weights["cw.conv.weight"].transpose(2, 3)).permute(0, 2, 1, 3)
    of_hc = attend(x.permute(0, 3, 2, 1), "hc", weights["hc.conv.weight"]).permute(0, 3, 2, 1)
    of_hw = attend(x, "hw", weights["hw.conv.weight"])
    return (of_cw + of_hc + of_hw) / 3


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_output_is_that_of_the_formula(size: tuple[int, int], gate: str) -> None:
    for channels in (16, 72):
        check_output("triplet", triplet_attention, channels, size, gate)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_gradients_are_those_of_the_formula(gate: str, training: bool) -> None:
    check_gradients("triplet", triplet_attention, gate, training=training, has_statistics=True)


def test_export_neither_concatenates_nor_normalises_and_computes_the_same() -> None:
    block = make_random_block("triplet", 16, (5, 9), None)
    x = torch.randn(1, 16, 5, 9)
    program = torch.export.export(block, (x,), strict=False)
    operators = {str(node.target) for node in program.graph.nodes if node.op == "call_function"}
    assert not any("batch_norm" in operator or "cat" in operator for operator in operators)
    with torch.no_grad():
        assert torch.allclose(program.module()(x), block(x), rtol=1e-4, atol=1e-5)


class OfficialGate(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Module()
        self.conv.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)
        self.conv.bn = nn.BatchNorm2d(1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = torch.cat([x.max(1).values.unsqueeze(1), x.mean(1).unsqueeze(1)], 1)
        return x * sigmoid(self.conv.bn(self.conv.conv(pooled)))


class OfficialTripletAttention(nn.Module):
    """The names and the order of operations of the official triplet_attention.py."""

    def __init__(self) -> None:
        super().__init__()
        self.cw, self.hc, self.hw = OfficialGate(), OfficialGate(), OfficialGate()

    def forward(self, x: Tensor) -> Tensor:
        of_cw = self.cw(x.permute(0, 2, 1, 3).contiguous()).permute(0, 2, 1, 3)
        of_hc = self.hc(x.permute(0, 3, 2, 1).contiguous()).permute(0, 3, 2, 1)
        return 1 / 3 * (self.hw(x) + of_cw + of_hc)


def test_the_official_weights_load() -> None:
    torch.manual_seed(0)
    official = OfficialTripletAttention().eval()
    for key, value in official.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5 if "var" in key else torch.randn_like(value))
    network = nn.Sequential(make_block("triplet", channels=24, size=(9, 6), gate="sigmoid")).eval()
    network.load_state_dict({f"0.{name}": value for name, value in official.state_dict().items()})
    x = torch.randn(2, 24, 9, 6)
    with torch.no_grad():
        assert torch.allclose(network(x), official(x), rtol=1e-5, atol=1e-5)


def test_its_own_weights_load_again() -> None:
    first, second = (make_block("triplet", channels=24, size=(9, 6)).eval() for _ in range(2))
    second.load_state_dict(first.state_dict())
    x = torch.randn(1, 24, 9, 6)
    assert torch.equal(first(x), second(x))
