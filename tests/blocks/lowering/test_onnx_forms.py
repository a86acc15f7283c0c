"""Each ONNX form against the block and its projection as they are trained, and in onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pocketbench.blocks.lowering.lower import choose_forms, lower_model
from pocketbench.blocks.lowering.onnx_rules import ONNX_RULES
from pocketbench.blocks.lowering.onnx_spatial_gate import ChannelMaximum, choose_tile
from pocketbench.core.targets import parse_format_target
from pocketbench.export import to_onnx
from pocketbench.export.preparation import prepare_model
from tests.blocks.formula_checks import GATES, make_random_block

KINDS = ("se", "eca", "cbam", "ca")
TARGETS = ("onnx", "onnx-x86", "onnx-arm")
# small and large for the rules, whole tiles and none, odd and not square; 48 channels are whole blocks, 40 are not
SIZES = [(7, 7), (14, 14), (20, 12), (5, 9), (11, 13), (41, 40)]


def make_model(kind: str, channels: int, size: tuple[int, int], gate: str, *, followed: bool = True) -> nn.Sequential:
    """A block in a network, its projection with a BatchNorm behind it."""
    block = make_random_block(kind, channels, size, gate)
    layers: list[nn.Module] = [nn.Conv2d(3, channels, 1), nn.ReLU6(), block]
    if followed:
        norm = nn.BatchNorm2d(8)
        norm.running_mean, norm.running_var = torch.randn(8), torch.rand(8) + 0.5
        layers += [nn.Conv2d(channels, 8, 1, bias=False), norm]
    else:
        layers.append(nn.ReLU())
    return nn.Sequential(*layers).eval()


def relative_error(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max() / expected.std())


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_forms_compute_what_the_block_computes(kind: str, size: tuple[int, int], gate: str) -> None:
    for channels in (48, 40):
        for followed in (True, False):
            model = make_model(kind, channels, size, gate, followed=followed)
            x = torch.randn(2, 3, *size)
            expected = model(x)
            exact = model.double()(x.double())
            for target in TARGETS:
                lowered = lower_model(model, target).double()
                tolerance = 1e-6 if kind == "se" else 1e-9  # torch's hard sigmoid has a 1/6 of float32
                assert relative_error(lowered(x.double()), exact) < tolerance
                assert relative_error(lowered.float()(x), expected) < 1e-4
                assert relative_error(lowered(x[:1]), expected[:1]) < 1e-4
            model.float()


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_site_before_a_projection_gets_a_form(kind: str, target: str) -> None:
    for channels in (48, 40):
        (choice,) = choose_forms(make_model(kind, channels, (14, 14), GATES[0]), target)
        assert choice.rule is not None


@pytest.mark.parametrize("kind", KINDS)
def test_in_8_bits_cbam_stays_as_it_is_trained(kind: str) -> None:
    """Its pools over channels, quick in float32, are slower there than what they stand for."""
    model = make_model(kind, 48, (14, 14), GATES[0])
    (plain,), (int8,) = (choose_forms(model, parse_format_target(name).forms) for name in ("onnx", "onnx:int8"))
    assert int8.rule is (None if kind == "cbam" else plain.rule)
    assert parse_format_target("onnx-x86:int8").forms == "onnx-x86"


def test_every_rule_is_reached() -> None:
    reached = {
        id(choice.rule)
        for kind in KINDS
        for target in TARGETS
        for channels in (48, 40)
        for size in SIZES
        for choice in choose_forms(make_model(kind, channels, size, GATES[0]), target)
    }
    assert [rule for rule in ONNX_RULES if id(rule) not in reached] == []


@pytest.mark.parametrize("channels", [1, 16, 24, 37, 96, 960, 1600])
@pytest.mark.parametrize("size", [(3, 5), (40, 40)], ids=str)
def test_maximum_over_channels_in_pools(channels: int, size: tuple[int, int]) -> None:
    x = torch.randn(2, channels, *size)
    assert torch.equal(ChannelMaximum(channels, size)(x), x.amax(1, keepdim=True))


def test_tiles_fill_the_map_without_rest() -> None:
    sizes = [(56, 56), (14, 14), (7, 7), (10, 20), (22, 22), (11, 11)]
    assert [choose_tile(size) for size in sizes] == [4, 7, 7, 5, 2, 1]


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", KINDS)
def test_files_run_the_same_with_and_without_the_blocked_layout(kind: str, target: str, tmp_path: Path) -> None:
    import onnxruntime

    for size in ((14, 14), (41, 40)):
        model = make_model(kind, 48, size, "hard_sigmoid")
        prepared = prepare_model(lower_model(model, target), (1, 3, *size))
        path = tmp_path / "model.onnx"
        to_onnx.convert(prepared.exported, path, "fp32")
        for level in ("ORT_ENABLE_ALL", "ORT_ENABLE_EXTENDED"):
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 4
            options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            for image in prepared.inputs:
                with torch.no_grad():
                    expected = model(torch.from_numpy(image)).numpy()
                (found,) = session.run(None, {session.get_inputs()[0].name: image})
                assert np.abs(found - expected).max() < 1e-4 * expected.std()
