"""SSDLite: the published parameters, the order of the boxes, the place of the attention, sizes, what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from pocketbench.blocks.backbones.ssdlite import BOXES_PER_POSITION, SSDLiteMobileNetV2
from pocketbench.blocks.catalog import BLOCKS, default_class_count
from pocketbench.core.errors import UsageError
from pocketbench.export import to_onnx, to_tflite
from tests.blocks.backbones.network_checks import check_rounding_errors, export_small, find_slots

SMALL = {"class_count": 3, "width_ratio": 0.1}


# The paper of coordinate attention prints the millions of the network for COCO in its table for Pascal VOC too.
@pytest.mark.parametrize(
    ("block", "reduction", "printed"), [(None, None, "4.3"), ("se", 24, "4.7"), ("cbam", 24, "4.7"), ("ca", 32, "4.8")]
)
def test_parameters_are_the_published_ones(block: str | None, reduction: int | None, printed: str) -> None:
    model = SSDLiteMobileNetV2(block=block, reduction=reduction)
    assert f"{sum(parameter.numel() for parameter in model.parameters()) / 1e6:.1f}" == printed


def test_maps_are_those_of_the_official_code() -> None:
    model = SSDLiteMobileNetV2(class_count=3).eval()
    seen: list[tuple[int, ...]] = []
    for head in model.box_heads:
        head.register_forward_pre_hook(lambda _, maps: seen.append(tuple(maps[0].shape[1:])))
    with torch.no_grad():
        boxes, scores = model(torch.zeros(1, 3, 320, 320))
    assert [channels for channels, _, _ in seen] == [96, 1280, 512, 256, 256, 64]
    assert [size for _, *size in seen] == [[20, 20], [10, 10], [5, 5], [3, 3], [2, 2], [1, 1]]
    assert boxes.shape == (1, 3232, 4)
    assert scores.shape == (1, 3232, 3)


def test_boxes_are_ordered_by_map_row_column_and_default_box() -> None:
    torch.manual_seed(0)
    model = SSDLiteMobileNetV2(input_shape=(1, 3, 65, 97), **SMALL).eval()
    seen: dict[tuple[str, int], Tensor] = {}
    for kind, heads in (("box", model.box_heads), ("class", model.class_heads)):
        for index, head in enumerate(heads):
            head.register_forward_hook(lambda _, __, output, key=(kind, index): seen.update({key: output}))
    with torch.no_grad():
        boxes, scores = model(torch.randn(1, 3, 65, 97))
    row = 0
    for index, count in enumerate(BOXES_PER_POSITION):
        _, _, height, width = seen["box", index].shape
        for y in range(height):
            for x in range(width):
                for box in range(count):
                    assert torch.equal(boxes[0, row], seen["box", index][0, 4 * box : 4 * box + 4, y, x])
                    assert torch.equal(scores[0, row], seen["class", index][0, 3 * box : 3 * box + 3, y, x])
                    row += 1
    assert row == boxes.shape[1] == scores.shape[1]


def test_attention_stands_before_the_projection_of_20_blocks() -> None:
    slots = list(find_slots(SSDLiteMobileNetV2(input_shape=(1, 3, 64, 64), block="eca", **SMALL), BLOCKS.load("eca")))
    assert len(slots) == 20
    for _, behind in slots:
        assert isinstance(behind, nn.Conv2d)
        assert behind.kernel_size == (1, 1)


@pytest.mark.parametrize("block", [None, "ca"])
@pytest.mark.parametrize("size", [(65, 65), (300, 90), (1, 1)], ids=str)
def test_any_input_size_works(block: str | None, size: tuple[int, int]) -> None:
    model = SSDLiteMobileNetV2(input_shape=(1, 1, *size), block=block, **SMALL).eval()
    boxes, scores = model(torch.zeros(2, 1, *size))
    assert boxes.shape[:2] == scores.shape[:2]
    assert (boxes.shape[0], boxes.shape[2], scores.shape[2]) == (2, 4, 3)


def test_another_input_is_refused_when_run() -> None:
    model = SSDLiteMobileNetV2(input_shape=(1, 3, 64, 64), **SMALL).eval()
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
        SSDLiteMobileNetV2(**({"input_shape": (1, 3, 64, 64)} | wrong))


def test_random_weights_are_well_conditioned() -> None:
    assert default_class_count("ssdlite_mobilenet_v2") == 81
    # 22 blocks deep, and no mean over positions behind them evens the errors out: at 320 x 320 three times the usual.
    check_rounding_errors("ssdlite_mobilenet_v2", tolerance=3e-4, width_ratio=0.25, input_shape=(1, 3, 320, 320))


@pytest.mark.slow
def test_the_onnx_file_computes_what_the_network_computes(tmp_path: Path) -> None:
    facts = export_small("ssdlite_mobilenet_v2", to_onnx, tmp_path / "a.onnx", width_ratio=0.1, block="se")
    assert [tensor.shape for tensor in facts.outputs] == [(1, 142, 4), (1, 142, 7)]
    assert facts.layout_operator_count == 26  # positions before channels and flat, for each of 12 heads; 2 joins


@pytest.mark.slow
def test_the_tflite_file_computes_what_the_network_computes(tmp_path: Path) -> None:
    facts = export_small("ssdlite_mobilenet_v2", to_tflite, tmp_path / "a.tflite", width_ratio=0.1)
    assert sorted(tensor.shape for tensor in facts.outputs) == [(1, 142, 4), (1, 142, 7)]
    assert facts.operator_counts["TRANSPOSE"] == 1  # of the input alone
