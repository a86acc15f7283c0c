"""SimAM against its formula, and against the energy that the formula comes from."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from pocketbench.blocks.factory import make_block
from pocketbench.core.errors import UsageError
from tests.blocks.formula_checks import GATES, SIZES, check_gradients, check_output
from tests.blocks.reference import Gate, Weights

# A map of one position has no variance: its own test is below.
SIZES_WITH_VARIANCE = [size for size in SIZES if size != (1, 1)]


def simam(x: Tensor, _weights: Weights, gate: Gate) -> Tensor:
    flat = x.flatten(2)
    squares = (flat - flat.mean(2, keepdim=True)) ** 2
    variance = flat.var(2, unbiased=True, keepdim=True)
    return x * gate(squares / (4 * (variance + 1e-4)) + 0.5).reshape(x.shape)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("size", SIZES_WITH_VARIANCE, ids=str)
def test_output_is_that_of_the_formula(size: tuple[int, int], gate: str) -> None:
    for channels in (16, 72):
        check_output("simam", simam, channels, size, gate)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_gradients_are_those_of_the_formula(gate: str, training: bool) -> None:
    check_gradients("simam", simam, gate, training=training, has_statistics=False)


def test_the_gates_score_is_the_inverse_of_the_papers_smallest_energy() -> None:
    """Equation 5: e = 4 (v + l) / ((t - mean)^2 + 2 v + 2 l), with l = 1e-4; the gate is a sigmoid of 1 / e."""
    torch.manual_seed(0)
    x = torch.rand(1, 2, 6, 5, dtype=torch.float64) + 1
    factors = make_block("simam", channels=2, size=(6, 5), gate="sigmoid")(x) / x
    scores = torch.log(factors / (1 - factors))
    for channel in range(2):
        values = x[0, channel]
        variance = values.var(unbiased=True)
        energy = 4 * (variance + 1e-4) / ((values - values.mean()) ** 2 + 2 * variance + 2e-4)
        assert torch.allclose(scores[0, channel], 1 / energy, rtol=1e-6)


def test_a_map_of_one_position_is_refused() -> None:
    with pytest.raises(UsageError, match=r"a map of size \(1, 1\) has one alone"):
        make_block("simam", channels=8, size=(1, 1))
