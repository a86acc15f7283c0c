"""Weights with the names of the official repositories load, and compute what they compute there."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pocketbench.blocks.backbones.mobilenet_v2 import MobileNetV2
from pocketbench.blocks.factory import make_block
from tests.blocks import reference


def draw_statistics(model: nn.Module) -> nn.Module:
    """Random running statistics, scales and shifts, so that a lost one shows."""
    for key, value in model.state_dict().items():
        if key.endswith("running_var"):
            value.copy_(torch.rand_like(value) + 0.5)
        elif value.is_floating_point() and value.ndim == 1:
            value.copy_(value + 0.3 * torch.randn_like(value))
    return model.eval()


@pytest.mark.parametrize("mbv2_ca", [False, True], ids=["coordatt.py", "mbv2_ca.py"])
def test_coordinate_attention_loads_both_official_files(mbv2_ca: bool) -> None:
    torch.manual_seed(0)
    official = draw_statistics(reference.OfficialCoordinateAttention(48, 4, mbv2_ca=mbv2_ca))
    block = make_block("ca", channels=48, size=(9, 6), reduction=4, gate="sigmoid").eval()
    weights = official.state_dict()
    block.load_state_dict(weights)
    x = torch.randn(2, 48, 9, 6)
    with torch.no_grad():
        assert torch.allclose(block(x), official(x), rtol=1e-5, atol=1e-6)
    assert list(weights) == list(official.state_dict())  # loading left the caller's dictionary as it was


def test_what_was_saved_loads_again() -> None:
    for name in ("ca", "ca_x", "ca_y", "cbam", "se", "eca"):
        first, second = (make_block(name, channels=48, size=(9, 6)).eval() for _ in range(2))
        second.load_state_dict(first.state_dict())
        x = torch.randn(1, 48, 9, 6)
        assert torch.equal(first(x), second(x))


def test_a_missing_and_a_foreign_weight_are_named() -> None:
    block = make_block("ca", channels=48, size=(9, 6))
    weights = reference.OfficialCoordinateAttention(48, 32, mbv2_ca=True).state_dict()
    del weights["conv2.weight"]
    weights["conv4.weight"] = torch.zeros(1)
    with pytest.raises(RuntimeError, match=r"(?s)Missing.*conv_h\.weight.*Unexpected.*conv4\.weight"):
        block.load_state_dict(weights)


def test_cbam_loads_the_official_file() -> None:
    torch.manual_seed(0)
    official = draw_statistics(reference.OfficialCBAM(48, 4))
    block = make_block("cbam", channels=48, size=(9, 6), reduction=4, gate="sigmoid").eval()
    block.load_state_dict(official.state_dict())
    x = torch.randn(2, 48, 9, 6)
    with torch.no_grad():
        assert torch.allclose(block(x), official(x), rtol=1e-5, atol=1e-6)


def test_parts_of_cbam_load_the_official_parts() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 48, 9, 6)
    for name, official in (
        ("cbam_channel", reference.OfficialChannelGate(48, 16)),
        ("cbam_spatial", reference.OfficialSpatialGate()),
    ):
        draw_statistics(official)
        block = make_block(name, channels=48, size=(9, 6), gate="sigmoid").eval()
        block.load_state_dict(official.state_dict())
        with torch.no_grad():
            assert torch.allclose(block(x), official(x), rtol=1e-5, atol=1e-6)


def test_mobilenet_v2_with_coordinate_attention_loads_the_official_file() -> None:
    torch.manual_seed(0)
    official = draw_statistics(reference.OfficialMobileNetV2(10, reference.sigmoid))
    model = MobileNetV2(input_shape=(1, 3, 65, 96), class_count=10, block="ca", gate="sigmoid").eval()
    model.load_state_dict(official.state_dict())
    x = torch.randn(2, 3, 65, 96)
    with torch.no_grad():
        expected = official(x)
        assert torch.allclose(model(x), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))
