"""Effective squeeze-and-excitation against its formula, timm and the official names."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from pocketbench.blocks.factory import make_block
from pocketbench.blocks.timm_models import import_timm
from tests.blocks.formula_checks import GATES, SIZES, check_gradients, check_output
from tests.blocks.reference import Gate, Weights, matrix


def effective_squeeze_excitation(x: Tensor, weights: Weights, gate: Gate) -> Tensor:
    z = functional.adaptive_avg_pool2d(x, 1).flatten(1)
    s = gate(functional.linear(z, matrix(weights["fc.weight"]), weights["fc.bias"]))
    return x * s[:, :, None, None].expand_as(x)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_output_is_that_of_the_formula(size: tuple[int, int], gate: str) -> None:
    for channels in (16, 72):
        check_output("ese", effective_squeeze_excitation, channels, size, gate)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_gradients_are_those_of_the_formula(gate: str, training: bool) -> None:
    check_gradients("ese", effective_squeeze_excitation, gate, training=training, has_statistics=False)


@pytest.mark.parametrize("gate", GATES)
def test_timms_weights_load(gate: str) -> None:
    import_timm()
    from timm.layers import EffectiveSEModule

    torch.manual_seed(0)
    theirs = EffectiveSEModule(48, gate_layer=gate)
    block = make_block("ese", channels=48, size=(9, 6), gate=gate)
    block.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 48, 9, 6)
    with torch.no_grad():
        assert torch.allclose(block(x), theirs(x), rtol=1e-5, atol=1e-6)
