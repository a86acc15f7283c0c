"""SE, ECA, CBAM, coordinate attention and their parts against the papers' formulas in their textbook form."""

from __future__ import annotations

import pytest

from pocketbench.blocks.factory import make_block
from tests.blocks import reference
from tests.blocks.formula_checks import GATES, SIZES, Formula, check_gradients, check_output

FORMULAS: dict[str, Formula] = {
    "se": reference.squeeze_excitation,
    "eca": reference.efficient_channel_attention,
    "cbam": reference.cbam,
    "cbam_channel": reference.channel_attention,
    "cbam_spatial": reference.spatial_attention,
    "ca": reference.coordinate_attention,
    "ca_x": reference.x_attention,
    "ca_y": reference.y_attention,
}
WITH_STATISTICS = {"ca", "ca_x", "ca_y"}


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
    check_gradients(name, FORMULAS[name], gate, training=training, has_statistics=name in WITH_STATISTICS)


def test_squeeze_excitation_has_the_printed_parameters() -> None:
    block = make_block("se", channels=24, size=(14, 14), reduction=4)
    assert sum(parameter.numel() for parameter in block.parameters()) == 318


def test_efficient_channel_attention_has_the_printed_parameters() -> None:
    block = make_block("eca", channels=512, size=(14, 14))
    assert sum(parameter.numel() for parameter in block.parameters()) == 5
    assert [tuple(value.shape) for value in block.state_dict().values()] == [(1, 1, 5)]
