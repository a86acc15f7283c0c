"""Gather-excite with a global extent, with weights and without, against the formulas."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from pocketbench.blocks.factory import make_block
from pocketbench.blocks.timm_models import import_timm
from tests.blocks.formula_checks import GATES, SIZES, Formula, check_gradients, check_output
from tests.blocks.reference import Gate, Weights


def gather_excite(x: Tensor, weights: Weights, gate: Gate, *, training: bool = False) -> Tensor:
    gathered = torch.einsum("nchw,chw->nc", x, weights["gather.weight"][:, 0])
    mean, variance = weights["bn.running_mean"], weights["bn.running_var"]
    scores = functional.batch_norm(
        gathered, mean, variance, weights["bn.weight"], weights["bn.bias"], training=training
    )
    return x * gate(scores)[:, :, None, None].expand_as(x)


def parameter_free_gather_excite(x: Tensor, _weights: Weights, gate: Gate) -> Tensor:
    return x * gate(functional.adaptive_avg_pool2d(x, 1)).expand_as(x)


FORMULAS: dict[str, Formula] = {"ge": gather_excite, "ge_free": parameter_free_gather_excite}


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", FORMULAS)
def test_output_is_that_of_the_formula(name: str, size: tuple[int, int], gate: str) -> None:
    for channels in (16, 72):
        check_output(name, FORMULAS[name], channels, size, gate)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_gradients_are_those_of_the_formula(name: str, gate: str, training: bool) -> None:
    check_gradients(name, FORMULAS[name], gate, training=training, has_statistics=name == "ge")


def test_without_weights_it_is_timms() -> None:
    """timm's form with weights can't be built: its constructor raises TypeError."""
    import_timm()
    from timm.layers import GatherExcite

    theirs = GatherExcite(48, extra_params=False, extent=0, use_mlp=False)
    x = torch.randn(2, 48, 9, 6)
    assert torch.allclose(make_block("ge_free", channels=48, size=(9, 6), gate="sigmoid")(x), theirs(x), atol=1e-6)
