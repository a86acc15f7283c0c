"""Lite R-ASPP: torchvision's head, the maps it takes, sizes, what it refuses."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import torch

from pocketbench.blocks.backbones.lraspp import LiteRASPPHead, LiteRASPPMobileNetV2
from pocketbench.blocks.backbones.sizes import MapShape
from pocketbench.blocks.catalog import BLOCKS, default_class_count
from pocketbench.blocks.timm_models import import_timm
from pocketbench.core.errors import UsageError
from pocketbench.export import to_onnx
from tests.blocks.backbones.network_checks import check_rounding_errors, export_small, find_slots
from tests.blocks.backbones.timm_weights import draw_like

SMALL = {"class_count": 4, "width_ratio": 0.1}


def test_the_head_is_torchvisions() -> None:
    import_timm()  # declares the operators that torchvision's import needs
    theirs = importlib.import_module("torchvision.models.segmentation.lraspp").LRASPPHead(6, 10, 4, 128).eval()
    torch.manual_seed(0)
    draw_like(theirs)
    low, high = MapShape(channels=6, size=(9, 14), stride=8), MapShape(channels=10, size=(5, 7), stride=16)
    ours = LiteRASPPHead(low, high, 4).eval()
    ours.load_state_dict(theirs.state_dict())
    maps = {"low": torch.randn(2, 6, 9, 14), "high": torch.randn(2, 10, 5, 7)}
    with torch.no_grad():
        assert torch.allclose(ours(**maps), theirs(maps), rtol=1e-4, atol=1e-5)


def test_the_head_sees_strides_8_and_16() -> None:
    model = LiteRASPPMobileNetV2(input_shape=(1, 3, 65, 96), class_count=4).eval()
    seen: list[torch.Tensor] = []
    model.head.register_forward_pre_hook(lambda _, maps: seen.extend(maps))
    with torch.no_grad():
        model(torch.zeros(1, 3, 65, 96))
    assert [tuple(x.shape) for x in seen] == [(1, 32, 9, 12), (1, 320, 5, 6)]


def test_parameters_are_those_of_the_features_and_the_head() -> None:
    features, high, low = 1_811_712, 320, 32  # MobileNetV2 without its last convolution and classifier
    head = high * 128 + 2 * 128 + high * 128 + (low + 1) * 21 + (128 + 1) * 21
    model = LiteRASPPMobileNetV2()
    assert sum(parameter.numel() for parameter in model.parameters()) == features + head


def test_attention_stands_before_the_projection_of_16_blocks() -> None:
    model = LiteRASPPMobileNetV2(input_shape=(1, 3, 64, 64), block="eca", **SMALL)
    assert len(list(find_slots(model, BLOCKS.load("eca")))) == 16


@pytest.mark.parametrize("block", [None, "ca"])
@pytest.mark.parametrize("size", [(65, 65), (47, 90), (1, 1)], ids=str)
def test_any_input_size_gives_a_score_for_each_pixel(block: str | None, size: tuple[int, int]) -> None:
    model = LiteRASPPMobileNetV2(input_shape=(1, 1, *size), block=block, **SMALL).eval()
    assert model(torch.zeros(2, 1, *size)).shape == (2, 4, *size)


def test_another_input_is_refused_when_run() -> None:
    model = LiteRASPPMobileNetV2(input_shape=(1, 3, 64, 64), **SMALL).eval()
    for shape in ((1, 3, 65, 64), (1, 1, 64, 64), (3, 64, 64)):
        with pytest.raises(UsageError, match=r"got \("):
            model(torch.zeros(shape))


@pytest.mark.parametrize(
    "wrong",
    [{"input_shape": (1, 3, 224)}, {"class_count": 0}, {"width_ratio": 0}, {"block": "se", "gate": "tanh"}],
    ids=str,
)
def test_bad_arguments_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        LiteRASPPMobileNetV2(**({"input_shape": (1, 3, 64, 64)} | wrong))


def test_random_weights_are_well_conditioned() -> None:
    assert default_class_count("lraspp_mobilenet_v2") == 21
    check_rounding_errors("lraspp_mobilenet_v2", width_ratio=0.25, block="ca")


@pytest.mark.slow
def test_the_file_computes_what_the_network_computes(tmp_path: Path) -> None:
    facts = export_small(
        "lraspp_mobilenet_v2", to_onnx, tmp_path / "a.onnx", width_ratio=0.1, input_shape=(1, 3, 64, 48)
    )
    assert facts.operator_counts["Resize"] == 2
    assert facts.layout_operator_count == 0
