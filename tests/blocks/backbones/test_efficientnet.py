"""EfficientNet-B0: published parameters, timm's outputs, the place of the attention, sizes, what it refuses."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from pocketbench.blocks.backbones.efficientnet import EfficientNetB0
from pocketbench.blocks.catalog import BLOCKS, default_reduction
from pocketbench.blocks.model_facts import count_model_facts
from pocketbench.blocks.timm_models import make_timm_model
from pocketbench.core.errors import UsageError
from pocketbench.export import to_onnx
from tests.blocks.backbones.network_checks import check_rounding_errors, export_small, find_slots
from tests.blocks.backbones.timm_weights import copy_weights, draw_like


# Computed from the official code: block, reduction, parameters in M.
@pytest.mark.parametrize(
    ("block", "reduction", "parameters"),
    [(None, None, "4.6520"), ("se", None, "5.2885"), ("ca", 32, "5.3818"), ("ca", 24, "5.6148")],
)
def test_parameters_are_those_of_the_official_code(block: str | None, reduction: int | None, parameters: str) -> None:
    model = EfficientNetB0(input_shape=(1, 3, 224, 224), block=block, reduction=reduction)
    assert f"{sum(parameter.numel() for parameter in model.parameters()) / 1e6:.4f}" == parameters


def test_timm_has_as_many_parameters_and_macs() -> None:
    theirs = count_model_facts(make_timm_model("efficientnet_b0", in_channels=3), (1, 3, 224, 224))
    assert count_model_facts(EfficientNetB0(block="se"), (1, 3, 224, 224)) == theirs


def test_timms_weights_give_timms_outputs() -> None:
    torch.manual_seed(0)
    theirs = make_timm_model("efficientnet_b0", in_channels=3, class_count=5).eval()
    draw_like(theirs)
    ours = EfficientNetB0(input_shape=(1, 3, 64, 96), class_count=5, block="se", gate="sigmoid").eval()
    copy_weights(theirs, ours)
    x = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        expected = theirs(x)
        assert torch.allclose(ours(x), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_attention_stands_before_the_projection_of_16_blocks() -> None:
    model = EfficientNetB0(input_shape=(1, 3, 64, 64), block="eca")
    slots = list(find_slots(model, BLOCKS.load("eca")))
    assert len(slots) == 16
    for before, behind in slots:
        assert isinstance(before, nn.SiLU)
        assert isinstance(behind, nn.Conv2d)
        assert behind.kernel_size == (1, 1)


def test_own_squeeze_excitation_is_relative_to_the_block_input_and_a_chosen_one_to_the_expanded_channels() -> None:
    def widths(reduction: int | None) -> list[int]:
        model = EfficientNetB0(input_shape=(1, 3, 32, 32), class_count=2, block="se", reduction=reduction)
        return [block.conv[-3].conv[0].out_channels for block in model.features[1:]]

    assert widths(None) == [8, 4, 6, 6, 10, 10, 20, 20, 20, 28, 28, 28, 48, 48, 48, 48]
    assert widths(24) == [1, 4, 6, 6, 10, 10, 20, 20, 20, 28, 28, 28, 48, 48, 48, 48]
    assert default_reduction("se", "efficientnet_b0") is None
    assert default_reduction("ca", "efficientnet_b0") == 32
    assert default_reduction("se", "mobilenet_v2") == 16


@pytest.mark.parametrize("block", [None, "se", "ca"])
@pytest.mark.parametrize("size", [(225, 225), (33, 47), (1, 1)], ids=str)
def test_any_input_size_works(block: str | None, size: tuple[int, int]) -> None:
    model = EfficientNetB0(input_shape=(1, 1, *size), class_count=7, width_ratio=0.25, block=block).eval()
    assert model.features(torch.zeros(1, 1, *size)).shape[2:] == tuple(math.ceil(length / 32) for length in size)
    assert model(torch.zeros(2, 1, *size)).shape == (2, 7)


def test_another_input_is_refused_when_run() -> None:
    model = EfficientNetB0(input_shape=(1, 3, 64, 64), width_ratio=0.25).eval()
    for shape in ((1, 3, 65, 64), (1, 3, 32, 64), (1, 1, 64, 64), (3, 64, 64)):
        with pytest.raises(UsageError, match=r"got \("):
            model(torch.zeros(shape))


@pytest.mark.parametrize(
    "wrong",
    [
        {"input_shape": (1, 3, 224)},
        {"class_count": 0},
        {"width_ratio": -1.0},
        {"block": "se", "reduction": 33},  # the narrowest slot has 32 channels
        {"block": "se", "gate": "tanh"},
    ],
    ids=str,
)
def test_bad_arguments_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        EfficientNetB0(**wrong)


@pytest.mark.parametrize("block", [None, "se"])
def test_random_weights_are_well_conditioned(block: str | None) -> None:
    check_rounding_errors("efficientnet_b0", width_ratio=0.25, block=block)


@pytest.mark.slow
def test_the_file_computes_what_the_network_computes(tmp_path: Path) -> None:
    facts = export_small("efficientnet_b0", to_onnx, tmp_path / "a.onnx", width_ratio=0.25, block="se")
    assert facts.layout_operator_count == 1  # the flattening before the classifier
