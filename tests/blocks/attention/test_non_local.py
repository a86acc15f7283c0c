"""The non-local block against its formula, and against timm's with the same weights."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from pocketbench.blocks.factory import make_block
from pocketbench.blocks.timm_models import import_timm
from tests.blocks.formula_checks import SIZES, check_gradients, check_output, make_random_block
from tests.blocks.reference import Weights
from tests.blocks.shifts import mix_channels


def non_local(x: Tensor, weights: Weights, *, training: bool = False) -> Tensor:
    theta, phi, g = (
        mix_channels(x, weights[f"{name}.weight"], weights[f"{name}.bias"]) for name in ("theta", "phi", "g")
    )
    scores = torch.einsum("ncij,nckl->nijkl", theta, phi)
    attention = torch.exp(scores - scores.amax((3, 4), keepdim=True))
    attention = attention / attention.sum((3, 4), keepdim=True)
    summed = torch.einsum("nijkl,nckl->ncij", attention, g)
    out = mix_channels(summed, weights["out.weight"], weights["out.bias"])
    mean, variance = weights["bn.running_mean"], weights["bn.running_var"]
    return x + functional.batch_norm(out, mean, variance, weights["bn.weight"], weights["bn.bias"], training)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_output_is_that_of_the_formula(size: tuple[int, int]) -> None:
    check_output("non_local", non_local, 16, size, None)


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_gradients_are_those_of_the_formula(training: bool) -> None:
    check_gradients("non_local", non_local, None, training=training, has_statistics=True, channels=8)


def test_it_starts_as_the_identity() -> None:
    block = make_block("non_local", channels=8, size=(5, 4)).eval()
    x = torch.randn(2, 8, 5, 4)
    assert torch.equal(block(x), x)


def test_timm_computes_the_same() -> None:
    import_timm()
    from timm.layers.non_local_attn import NonLocalAttn

    block = make_random_block("non_local", 16, (5, 9), None)
    theirs = NonLocalAttn(16, use_scale=False, rd_channels=4).eval()
    names = {"t": "theta", "p": "phi", "g": "g", "z": "out", "norm": "bn"}
    ours = block.state_dict()
    theirs.load_state_dict(
        {key: ours[f"{names[key.partition('.')[0]]}.{key.partition('.')[2]}"] for key in theirs.state_dict()}
    )
    x = torch.randn(2, 16, 5, 9)
    with torch.no_grad():
        assert torch.allclose(block(x), theirs(x), rtol=1e-4, atol=1e-4)
