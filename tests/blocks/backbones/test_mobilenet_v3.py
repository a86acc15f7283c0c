"""MobileNetV3: timm's parameters, MACs and outputs, the place of the attention, sizes, what it refuses."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from pocketbench.blocks.backbones.mobilenet_v3 import MobileNetV3, MobileNetV3Large, MobileNetV3Small
from pocketbench.blocks.catalog import BLOCKS, default_reduction
from pocketbench.blocks.model_facts import count_model_facts
from pocketbench.blocks.timm_models import make_timm_model
from pocketbench.core.errors import UsageError
from pocketbench.export import to_onnx
from tests.blocks.backbones.network_checks import check_rounding_errors, export_small, find_slots
from tests.blocks.backbones.timm_weights import copy_weights, draw_like

NETWORKS = {"small": MobileNetV3Small, "large": MobileNetV3Large}


# The paper's table 3 and the official repository print 5.4 M and 217 M for large, 4.0 M and 155 M for its width 0.75.
@pytest.mark.parametrize(
    ("name", "width", "parameters", "macs"),
    [
        ("large", 1.0, 5483032, "216.6"),
        ("large", 0.75, 3993528, "154.6"),
        ("small", 1.0, 2542856, "56.5"),
        ("small", 0.75, 2041872, "43.4"),
    ],
)
def test_parameters_and_macs_are_timms(name: str, width: float, parameters: int, macs: str) -> None:
    facts = count_model_facts(NETWORKS[name](width_ratio=width, block="se"), (1, 3, 224, 224))
    assert facts.parameter_count == parameters
    assert f"{facts.mac_count / 1e6:.1f}" == macs
    theirs = make_timm_model(f"mobilenetv3_{name}_{round(width * 100):03}", in_channels=3)
    assert count_model_facts(theirs, (1, 3, 224, 224)) == facts


@pytest.mark.parametrize("name", ["small", "large"])
def test_timms_weights_give_timms_outputs(name: str) -> None:
    torch.manual_seed(0)
    theirs = make_timm_model(f"mobilenetv3_{name}_100", in_channels=3, class_count=5).eval()
    draw_like(theirs)
    ours = NETWORKS[name](input_shape=(1, 3, 64, 96), class_count=5, block="se").eval()
    copy_weights(theirs, ours)
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-3  # the official code's; timm has 1e-5 but in its models of TensorFlow's weights
    x = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        expected = theirs(x)
        assert torch.allclose(ours(x), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize(
    ("name", "places"), [("small", [0, 3, 4, 5, 6, 7, 8, 9, 10]), ("large", [3, 4, 5, 10, 11, 12, 13, 14])]
)
def test_attention_stands_before_the_projection_where_the_paper_has_it(name: str, places: list[int]) -> None:
    attention = BLOCKS.load("eca")
    model = NETWORKS[name](input_shape=(1, 3, 64, 64), block="eca")
    found = [index for index, block in enumerate(model.features[1:]) if any(find_slots(block, attention))]
    assert found == places
    for before, behind in find_slots(model, attention):
        assert isinstance(before, (nn.ReLU, nn.Hardswish))
        assert isinstance(behind, nn.Conv2d)
        assert behind.kernel_size == (1, 1)


def test_own_squeeze_excitation_is_rounded_to_multiples_of_8_and_a_chosen_one_is_not() -> None:
    def widths(reduction: int | None) -> list[int]:
        model = MobileNetV3Large(input_shape=(1, 3, 32, 32), class_count=2, block="se", reduction=reduction)
        attention = BLOCKS.load("se")
        return [module.conv[0].out_channels for module in model.modules() if isinstance(module, attention)]

    assert widths(None) == [24, 32, 32, 120, 168, 168, 240, 240]
    assert widths(4) == [18, 30, 30, 120, 168, 168, 240, 240]
    assert default_reduction("se", "mobilenet_v3_large") is None


@pytest.mark.parametrize("network", NETWORKS.values())
@pytest.mark.parametrize("block", [None, "se", "ca"])
@pytest.mark.parametrize("size", [(225, 225), (33, 47), (1, 1)], ids=str)
def test_any_input_size_works(network: type[MobileNetV3], block: str | None, size: tuple[int, int]) -> None:
    model = network(input_shape=(1, 1, *size), class_count=7, width_ratio=0.25, block=block).eval()
    assert model.features(torch.zeros(1, 1, *size)).shape[2:] == tuple(math.ceil(length / 32) for length in size)
    assert model(torch.zeros(2, 1, *size)).shape == (2, 7)


def test_another_input_is_refused_when_run() -> None:
    model = MobileNetV3Small(input_shape=(1, 3, 64, 64), width_ratio=0.25).eval()
    for shape in ((1, 3, 65, 64), (1, 3, 32, 64), (1, 1, 64, 64), (3, 64, 64)):
        with pytest.raises(UsageError, match=r"got \("):
            model(torch.zeros(shape))


@pytest.mark.parametrize(
    "wrong",
    [
        {"input_shape": (1, 3, 224)},
        {"class_count": 0},
        {"width_ratio": 0},
        {"block": "se", "reduction": 17},  # the narrowest slot has 16 channels
        {"block": "se", "gate": "tanh"},
    ],
    ids=str,
)
def test_bad_arguments_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        MobileNetV3Small(**wrong)


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "mobilenet_v3_large"])
@pytest.mark.parametrize("block", [None, "se"])
def test_random_weights_are_well_conditioned(name: str, block: str | None) -> None:
    check_rounding_errors(name, width_ratio=0.5, block=block)


@pytest.mark.slow
def test_the_file_computes_what_the_network_computes(tmp_path: Path) -> None:
    facts = export_small("mobilenet_v3_small", to_onnx, tmp_path / "a.onnx", width_ratio=0.5, block="se")
    assert facts.layout_operator_count == 1  # the flattening before the classifier
