"""DeepLabV3: the published parameters, à-trous features, torchvision's pyramid, sizes, what it refuses."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
import torch
from torch import nn

from pocketbench.blocks.backbones.deeplab import AtrousPyramid, DeepLabV3MobileNetV2, DeepLabV3MobileNetV2Stride8
from pocketbench.blocks.backbones.mobilenet_v2 import MobileNetV2, make_features
from pocketbench.blocks.backbones.slots import make_slot
from pocketbench.blocks.catalog import BLOCKS, default_class_count
from pocketbench.blocks.model_facts import count_model_facts
from pocketbench.blocks.timm_models import import_timm
from pocketbench.core.errors import UsageError
from pocketbench.export import to_onnx, to_tflite
from tests.blocks.backbones.network_checks import check_rounding_errors, export_small, find_slots
from tests.blocks.backbones.timm_weights import draw_like

NETWORKS = [DeepLabV3MobileNetV2, DeepLabV3MobileNetV2Stride8]
NAMES = ["deeplabv3_mobilenet_v2", "deeplabv3_mobilenet_v2_stride8"]
SMALL = {"class_count": 4, "width_ratio": 0.1}


# The paper of coordinate attention prints the same millions for output stride 16 and 8.
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(
    ("block", "reduction", "printed"), [(None, None, "4.5"), ("se", 24, "4.9"), ("cbam", 24, "4.9"), ("ca", 32, "5.0")]
)
def test_parameters_are_the_published_ones(
    network: type[DeepLabV3MobileNetV2], block: str | None, reduction: int | None, printed: str
) -> None:
    model = network(input_shape=(1, 3, 65, 65), block=block, reduction=reduction)
    assert f"{sum(parameter.numel() for parameter in model.parameters()) / 1e6:.1f}" == printed


@pytest.mark.parametrize(("output_stride", "step"), [(16, 2), (8, 4)])
def test_features_are_those_of_mobilenet_v2_with_more_between(output_stride: int, step: int) -> None:
    torch.manual_seed(0)
    shape, slot = (1, 3, 97, 130), make_slot(None, None, "hard_sigmoid")
    usual, shapes = make_features(shape, 0.1, slot)
    dense, dense_shapes = make_features(shape, 0.1, slot, output_stride=output_stride)
    draw_like(usual)
    dense.load_state_dict(usual.state_dict())
    x = torch.randn(shape)
    with torch.no_grad():
        expected, found = usual.eval()(x), dense.eval()(x)
    assert torch.allclose(found[:, :, ::step, ::step], expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))
    assert dense_shapes[-1].size == found.shape[2:]
    assert shapes[-1].size == expected.shape[2:]
    assert (shapes[-1].stride, dense_shapes[-1].stride) == (32, output_stride)


def test_macs_are_counted_at_the_larger_maps() -> None:
    coarse, fine = (
        count_model_facts(network(input_shape=(1, 3, 128, 128), width_ratio=0.1), (1, 3, 128, 128))
        for network in NETWORKS
    )
    assert coarse.parameter_count == fine.parameter_count
    assert 3 < fine.mac_count / coarse.mac_count < 4


@pytest.mark.parametrize("size", [(9, 7), (33, 20)], ids=str)
def test_the_pyramid_is_torchvisions(size: tuple[int, int]) -> None:
    import_timm()  # declares the operators that torchvision's import needs
    theirs = importlib.import_module("torchvision.models.segmentation.deeplabv3").ASPP(12, [6, 12, 18], 256).eval()
    torch.manual_seed(0)
    draw_like(theirs)
    ours = AtrousPyramid(12, size, (6, 12, 18)).eval()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 12, *size)
    with torch.no_grad():
        assert torch.allclose(ours(x), theirs(x), rtol=1e-4, atol=1e-5)


def test_trained_weights_of_mobilenet_v2_load() -> None:
    trained = MobileNetV2(input_shape=(1, 3, 64, 64), class_count=3, width_ratio=0.1, block="ca")
    model = DeepLabV3MobileNetV2(input_shape=(1, 3, 64, 64), block="ca", **SMALL)
    missing, unexpected = model.load_state_dict(
        {name: value for name, value in trained.state_dict().items() if name.startswith("features.")}, strict=False
    )
    assert not unexpected
    assert not any(name.startswith("features.") for name in missing)


@pytest.mark.parametrize("network", NETWORKS)
def test_attention_stands_before_the_projection_of_16_blocks(network: type[DeepLabV3MobileNetV2]) -> None:
    slots = list(find_slots(network(input_shape=(1, 3, 64, 64), block="eca", **SMALL), BLOCKS.load("eca")))
    assert len(slots) == 16
    for _, behind in slots:
        assert isinstance(behind, nn.Conv2d)
        assert behind.kernel_size == (1, 1)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("block", [None, "ca"])
@pytest.mark.parametrize("size", [(65, 65), (47, 90), (1, 1)], ids=str)
def test_any_input_size_gives_a_score_for_each_pixel(
    network: type[DeepLabV3MobileNetV2], block: str | None, size: tuple[int, int]
) -> None:
    model = network(input_shape=(1, 1, *size), block=block, **SMALL).eval()
    assert model(torch.zeros(2, 1, *size)).shape == (2, 4, *size)


def test_another_input_is_refused_when_run() -> None:
    model = DeepLabV3MobileNetV2(input_shape=(1, 3, 64, 64), **SMALL).eval()
    for shape in ((1, 3, 65, 64), (1, 3, 32, 64), (1, 1, 64, 64), (3, 64, 64)):
        with pytest.raises(UsageError, match=r"got \("):
            model(torch.zeros(shape))


@pytest.mark.parametrize(
    "wrong",
    [{"input_shape": (1, 3, 224)}, {"class_count": 0}, {"width_ratio": 0}, {"block": "se", "gate": "tanh"}],
    ids=str,
)
def test_bad_arguments_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        DeepLabV3MobileNetV2(**({"input_shape": (1, 3, 64, 64)} | wrong))


@pytest.mark.parametrize("name", NAMES)
def test_random_weights_are_well_conditioned(name: str) -> None:
    assert default_class_count(name) == 21
    check_rounding_errors(name, width_ratio=0.25, block="ca")


@pytest.mark.slow
def test_the_onnx_file_computes_what_the_network_computes(tmp_path: Path) -> None:
    facts = export_small(
        NAMES[1], to_onnx, tmp_path / "a.onnx", width_ratio=0.1, block="se", input_shape=(1, 3, 64, 48)
    )
    assert facts.operator_counts["Resize"] == 2
    assert facts.layout_operator_count == facts.operator_counts["Concat"] == 1


@pytest.mark.slow
def test_the_tflite_file_computes_what_the_network_computes(tmp_path: Path) -> None:
    facts = export_small(NAMES[0], to_tflite, tmp_path / "a.tflite", width_ratio=0.1, input_shape=(1, 3, 64, 48))
    assert facts.operator_counts["RESIZE_BILINEAR"] == 2
    assert facts.operator_counts["TRANSPOSE"] == 2  # of the input and of the output
