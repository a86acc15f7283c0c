"""MobileNeXt: parameters and MACs of the official code, the place of the attention, sizes, what it refuses."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from pocketbench.blocks.backbones.mobilenext import MobileNeXt
from pocketbench.blocks.catalog import BLOCKS
from pocketbench.blocks.model_facts import count_model_facts
from pocketbench.core.errors import UsageError
from pocketbench.export import to_onnx
from tests.blocks.backbones.network_checks import check_rounding_errors, export_small, find_slots

# Of the official code at 224 x 224, 1000 classes: width, block, reduction, parameters in M, MACs in M. Its authors
# publish 6.1/590, 3.5/300, 2.5/210, 2.1/110 and 1.8/80 for the widths; below 1 their code has more parameters.
OFFICIAL_FIGURES = [
    (1.0, None, None, "3.5354", "311.3"),
    (1.0, "se", 24, "3.9136", "311.7"),
    (1.0, "ca", 24, "4.1083", "317.8"),
    (1.0, "ca", 32, "3.9716", "316.3"),
    (1.4, None, None, "6.1262", "588.3"),
    (0.75, None, None, "2.7662", "207.9"),
    (0.5, None, None, "2.1523", "103.3"),
    (0.35, None, None, "1.9140", "75.1"),
    (0.1, None, None, "1.6273", "28.1"),
]


@pytest.mark.parametrize(("width", "block", "reduction", "parameters", "macs"), OFFICIAL_FIGURES)
def test_parameters_and_macs_are_those_of_the_official_code(
    width: float, block: str | None, reduction: int | None, parameters: str, macs: str
) -> None:
    model = MobileNeXt(width_ratio=width, block=block, reduction=reduction)
    facts = count_model_facts(model, (1, 3, 224, 224))
    assert f"{facts.parameter_count / 1e6:.4f}" == parameters
    assert f"{facts.mac_count / 1e6:.1f}" == macs


def test_blocks_are_those_of_the_paper() -> None:
    model = MobileNeXt(input_shape=(1, 3, 32, 32), class_count=2)
    pointwise = [
        [(layer.in_channels, layer.out_channels) for layer in block.conv if getattr(layer, "kernel_size", 0) == (1, 1)]
        for block in model.features[1:]
    ]
    assert [pair[0][0] for pair in pointwise] == [
        32, 96, 144, 192, 192, 192, 288, 288, 288, 384, 384, 384, 384, 576, 576, 576, 576, 960, 960, 960
    ]  # fmt: skip
    assert [pair[0][1] for pair in pointwise] == [
        16, 32, 32, 32, 32, 48, 48, 48, 64, 64, 64, 64, 96, 96, 96, 96, 160, 160, 160, 208
    ]  # fmt: skip
    assert all(first[1] == second[0] for first, second in pointwise)
    assert [block.identity for block in model.features[1:]].count(True) == 12


def test_attention_stands_before_the_bottleneck_of_15_blocks() -> None:
    attention = BLOCKS.load("eca")
    model = MobileNeXt(input_shape=(1, 3, 64, 64), block="eca")
    assert sum(isinstance(module, attention) for module in model.modules()) == 15
    slots = list(find_slots(model, attention))
    assert len(slots) == 15
    for before, behind in slots:
        assert isinstance(before, nn.ReLU6)
        assert isinstance(behind, nn.Conv2d)
        assert behind.kernel_size == (1, 1)
        assert behind.out_channels < behind.in_channels


@pytest.mark.parametrize("block", [None, "ca", "eca"])
@pytest.mark.parametrize("size", [(225, 225), (160, 224), (33, 47), (1, 1)], ids=str)
def test_any_input_size_works(block: str | None, size: tuple[int, int]) -> None:
    model = MobileNeXt(input_shape=(1, 1, *size), class_count=7, width_ratio=0.1, block=block).eval()
    assert model.features(torch.zeros(1, 1, *size)).shape[2:] == tuple(math.ceil(length / 32) for length in size)
    assert model(torch.zeros(2, 1, *size)).shape == (2, 7)


def test_another_input_is_refused_when_run() -> None:
    model = MobileNeXt(input_shape=(1, 3, 64, 64), width_ratio=0.1).eval()
    for shape in ((1, 3, 65, 64), (1, 3, 32, 64), (1, 1, 64, 64), (3, 64, 64)):
        with pytest.raises(UsageError, match=r"got \("):
            model(torch.zeros(shape))


@pytest.mark.parametrize(
    "wrong",
    [
        {"input_shape": (1, 3, 224)},
        {"input_shape": (1, 0, 224, 224)},
        {"class_count": 0},
        {"width_ratio": math.nan},
        {"block": "se", "reduction": 33},  # the narrowest slot has 32 channels
        {"block": "se", "gate": "tanh"},
    ],
    ids=str,
)
def test_bad_arguments_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        MobileNeXt(**wrong)


@pytest.mark.parametrize("block", [None, "ca"])
def test_random_weights_are_well_conditioned(block: str | None) -> None:
    check_rounding_errors("mobilenext", width_ratio=0.35, block=block)


@pytest.mark.slow
def test_the_file_computes_what_the_network_computes(tmp_path: Path) -> None:
    facts = export_small("mobilenext", to_onnx, tmp_path / "a.onnx", width_ratio=0.35, block="ca")
    assert facts.layout_operator_count == 1  # the flattening before the classifier
