"""MobileNetV2: the printed parameters and MACs, the place of the attention, sizes, and what it refuses."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from pocketbench.blocks.backbones.mobilenet_v2 import MobileNetV2
from pocketbench.blocks.backbones.sizes import round_channels
from pocketbench.blocks.catalog import BLOCKS
from pocketbench.blocks.model_facts import count_model_facts
from pocketbench.blocks.timm_models import make_timm_model
from pocketbench.core.errors import UnknownNameError, UsageError

# Computed from the official code at 224 x 224, 1000 classes: width, block, reduction, parameters in M, MACs in M.
OFFICIAL_FIGURES = [
    (1.0, None, None, "3.5049", "300.8"),
    (1.0, "se", 24, "3.8882", "301.2"),
    (1.0, "se", 32, "3.7939", "301.1"),
    (1.0, "se", 16, "4.0763", "301.3"),
    (1.0, "cbam", 24, "3.8898", "302.5"),
    (1.0, "cbam", 16, "4.0779", "302.9"),
    (1.0, "ca", 32, "3.9506", "306.7"),
    (1.0, "ca", 24, "4.0868", "308.3"),
    (1.0, "ca", 16, "4.3669", "311.8"),
    (0.75, None, None, "2.6364", "209.1"),
    (0.75, "se", 24, "2.8554", "209.3"),
    (0.75, "cbam", 24, "2.8570", "210.5"),
    (0.75, "ca", 32, "2.8916", "212.6"),
    (0.75, "ca", 24, "2.9734", "213.6"),
    (0.5, None, None, "1.9687", "97.1"),
    (0.5, "se", 24, "2.0671", "97.2"),
    (0.5, "cbam", 24, "2.0687", "98.3"),
    (0.5, "ca", 32, "2.0956", "99.0"),
    (0.5, "ca", 24, "2.1250", "99.3"),
]


@pytest.mark.parametrize(("width", "block", "reduction", "parameters", "macs"), OFFICIAL_FIGURES)
def test_parameters_and_macs_are_those_of_the_official_code(
    width: float, block: str | None, reduction: int | None, parameters: str, macs: str
) -> None:
    model = MobileNetV2(width_ratio=width, block=block, reduction=reduction)
    facts = count_model_facts(model, (1, 3, 224, 224))
    assert f"{facts.parameter_count / 1e6:.4f}" == parameters
    assert f"{facts.mac_count / 1e6:.1f}" == macs


@pytest.mark.parametrize(("name", "width"), [("mobilenetv2_050", 0.5), ("mobilenetv2_100", 1.0)])
def test_timm_has_as_many_parameters_and_macs(name: str, width: float) -> None:
    theirs = count_model_facts(make_timm_model(name, in_channels=3, class_count=None), (1, 3, 224, 224))
    assert count_model_facts(MobileNetV2(width_ratio=width), (1, 3, 224, 224)) == theirs


def test_attention_stands_before_the_projection_of_16_blocks() -> None:
    model = MobileNetV2(input_shape=(1, 3, 64, 64), block="eca")
    attention = BLOCKS.load("eca")
    slots = [[type(layer) for layer in block.conv] for block in model.features[1:]]
    assert len(slots) == 17
    assert attention not in slots[0]
    unit = [nn.Conv2d, nn.BatchNorm2d, nn.ReLU6]
    for slot in slots[1:]:
        assert slot == [*unit, *unit, attention, nn.Conv2d, nn.BatchNorm2d]


# Blocks that any map fits; others refuse small ones.
@pytest.mark.parametrize("block", [None, "se", "eca", "cbam", "cbam_channel", "cbam_spatial", "ca", "ca_x", "ca_y"])
@pytest.mark.parametrize("size", [(225, 225), (160, 224), (33, 47), (1, 1)], ids=str)
def test_any_input_size_works(block: str | None, size: tuple[int, int]) -> None:
    model = MobileNetV2(input_shape=(1, 1, *size), class_count=7, width_ratio=0.1, block=block, reduction=None).eval()
    maps = [tuple(model.features(torch.zeros(1, 1, *size)).shape[2:])]
    assert maps == [tuple(math.ceil(length / 32) for length in size)]
    assert model(torch.zeros(2, 1, *size)).shape == (2, 7)


def test_another_input_is_refused_when_run() -> None:
    model = MobileNetV2(input_shape=(1, 3, 64, 64), width_ratio=0.5).eval()
    for shape in ((1, 3, 65, 64), (1, 3, 32, 64), (1, 1, 64, 64), (3, 64, 64)):
        with pytest.raises(UsageError, match=r"got \("):
            model(torch.zeros(shape))


@pytest.mark.parametrize(
    ("channels", "divisor", "expected"),
    [(32, 8, 32), (24, 8, 24), (12, 8, 16), (18, 8, 24), (3.2, 8, 8), (3.2, 4, 4), (1792, 8, 1792), (33.6, 8, 32)],
)
def test_channels_are_rounded_as_in_the_official_code(channels: float, divisor: int, expected: int) -> None:
    assert round_channels(channels, divisor) == expected


def test_the_last_layer_grows_above_width_1_alone() -> None:
    heads = {width: MobileNetV2(width_ratio=width).conv[0].out_channels for width in (0.35, 1.0, 1.4)}
    assert heads == {0.35: 1280, 1.0: 1280, 1.4: 1792}


@pytest.mark.parametrize(
    "wrong",
    [
        {"input_shape": (1, 3, 224)},
        {"input_shape": (1, 3, 0, 224)},
        {"input_shape": (1, 3, 224.0, 224)},
        {"class_count": 0},
        {"class_count": -1},
        {"class_count": 2.5},
        {"width_ratio": 0},
        {"width_ratio": -1.0},
        {"width_ratio": math.nan},
        {"width_ratio": math.inf},
        {"width_ratio": "1.0"},
        {"block": "se", "reduction": 97},  # the narrowest slot has 96 channels
        {"block": "eca", "reduction": 4},
        {"block": "se", "gate": "tanh"},
    ],
    ids=str,
)
def test_bad_arguments_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        MobileNetV2(**wrong)


def test_unknown_block_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'cbam'"):
        MobileNetV2(block="cbm")
