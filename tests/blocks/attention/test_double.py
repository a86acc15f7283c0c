"""Double attention against its formula, descriptor by descriptor and position by position."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tests.blocks.formula_checks import SIZES, check_gradients, check_output
from tests.blocks.reference import Weights
from tests.blocks.shifts import mix_channels


def double_attention(x: Tensor, weights: Weights) -> Tensor:
    phi, theta, rho = (
        mix_channels(x, weights[f"{name}.weight"], weights[f"{name}.bias"]) for name in ("phi", "theta", "rho")
    )
    maps = torch.exp(theta - theta.amax((2, 3), keepdim=True))
    maps = maps / maps.sum((2, 3), keepdim=True)
    vectors = torch.exp(rho - rho.amax(1, keepdim=True))
    vectors = vectors / vectors.sum(1, keepdim=True)
    descriptors = torch.einsum("nchw,nkhw->nck", phi, maps)
    handed_out = torch.einsum("nck,nkhw->nchw", descriptors, vectors)
    return x + mix_channels(handed_out, weights["out.weight"], weights["out.bias"])


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_output_is_that_of_the_formula(size: tuple[int, int]) -> None:
    check_output("a2", double_attention, 16, size, None)


def test_gradients_are_those_of_the_formula() -> None:
    check_gradients("a2", double_attention, None, training=False, has_statistics=False, channels=8)
