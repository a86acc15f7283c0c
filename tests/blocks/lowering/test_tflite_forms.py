"""The forms of blocks in TFLite files compute what the blocks compute; the runtime takes each in one piece."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path

import ai_edge_litert.interpreter as litert
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pocketbench.blocks.lowering.lower import choose_forms, lower_model
from tests.blocks.formula_checks import GATES, make_random_block

KINDS = ["se", "eca", "cbam", "cbam_channel", "ca", "ca_x", "ca_y"]
# MobileNetV2 at 224, 160 and 320 down to its smallest maps; not square; odd; long rows; a single position.
SIZES = [(14, 14), (7, 7), (5, 5), (20, 20), (5, 9), (12, 3), (1, 1), (1, 6), (40, 36), (36, 33), (3, 44)]
CHANNELS = 32


def make_net(kind: str, channels: int, size: tuple[int, int], gate: str, *, projection: bool = True) -> nn.Sequential:
    """The block, and behind it a projection with BatchNorm or an activation."""
    block = make_random_block(kind, channels, size, gate)
    if kind in {"eca", "cbam", "cbam_channel"}:  # else nearly every gate is at one of its ends
        for name, value in block.state_dict().items():
            value.mul_(0.2 if "spatial" in name else 0.3)
    if not projection:
        return nn.Sequential(block, nn.ReLU()).eval()
    norm = nn.BatchNorm2d(24)
    for value in (norm.running_mean, norm.running_var, norm.weight, norm.bias):
        assert value is not None
        nn.init.uniform_(value, 0.5, 1.5)
    return nn.Sequential(block, nn.Conv2d(channels, 24, 1, bias=False), norm).eval()


def draw_input(channels: int, size: tuple[int, int]) -> Tensor:
    return torch.randn(2, channels, *size).clamp(-0.5, 6)


def find_error(net: nn.Module, x: Tensor) -> float:
    with torch.no_grad():
        expected = net(x)
        found = lower_model(net, "tflite")(x)
    assert found.shape == expected.shape
    return float((found - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("projection", [True, False], ids=["projection", "alone"])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_form_computes_what_the_block_computes(kind: str, size: tuple[int, int], projection: bool, gate: str) -> None:
    net = make_net(kind, CHANNELS, size, gate, projection=projection)
    x = draw_input(CHANNELS, size)
    assert find_error(net, x) < 1e-5
    assert find_error(net.double(), x.double()) < 1e-9


@pytest.mark.parametrize(("channels", "size"), [(144, (56, 56)), (960, (7, 7))], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_form_computes_what_the_block_computes_in_mobilenet(kind: str, channels: int, size: tuple[int, int]) -> None:
    net = make_net(kind, channels, size, "hard_sigmoid")
    assert find_error(net, draw_input(channels, size)) < 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_gates_are_not_all_open_or_shut(kind: str) -> None:
    """Else the tests above could not tell a right gate from a wrong one."""
    net = make_net(kind, CHANNELS, (14, 14), "hard_sigmoid")
    x = draw_input(CHANNELS, (14, 14))
    with torch.no_grad():
        factors = (net[0](x) / x)[x != 0]
    assert ((factors > 0.05) & (factors < 0.95)).float().mean() > 0.1


def test_lowering_leaves_the_model_as_it_is() -> None:
    net = make_net("cbam", CHANNELS, (14, 14), "hard_sigmoid")
    before = {name: value.clone() for name, value in net.state_dict().items()}
    lowered = lower_model(net, "tflite")
    with torch.no_grad():
        for parameter in lowered.parameters():
            parameter.zero_()
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize(
    ("kind", "channels", "size", "projection", "words"),
    [
        ("se", 32, (14, 14), True, "factor in the projection"),
        ("se", 32, (14, 14), False, None),
        ("eca", 32, (14, 14), True, "factor in the projection"),
        ("eca", 32, (14, 14), False, "blocks of channels"),
        ("eca", 72, (14, 14), True, None),
        ("cbam", 32, (28, 28), True, "behind the projection, its convolution over rows"),
        ("cbam", 32, (56, 56), True, "behind the projection, its convolution over tiles"),
        ("cbam", 32, (33, 33), True, None),
        ("cbam", 32, (7, 7), False, "convolution over rows"),
        ("cbam", 32, (40, 36), False, "convolution over tiles"),
        ("ca", 32, (14, 14), True, "factors in the projection"),
        ("ca", 32, (14, 14), False, None),
    ],
)
def test_site_decides_the_form(
    kind: str, channels: int, size: tuple[int, int], projection: bool, words: str | None
) -> None:
    rule = choose_forms(make_net(kind, channels, size, "hard_sigmoid", projection=projection), "tflite")[0].rule
    if words is None:
        assert rule is None
    else:
        assert rule is not None
        assert words in rule.form.name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "size", "expected"),
    [
        ("se", (14, 14), {"MEAN": 1, "FULLY_CONNECTED": 2, "CONV_2D": 3, "MUL": 1, "TRANSPOSE": 0}),
        ("eca", (14, 14), {"MEAN": 1, "CONV_2D": 4, "RESHAPE": 2, "MUL": 1, "TRANSPOSE": 0}),
        ("cbam", (14, 14), {"MUL": 2, "ADD": 1, "TRANSPOSE": 0}),
        ("cbam", (40, 40), {"MUL": 2, "ADD": 1, "TRANSPOSE": 2}),
        ("ca", (14, 14), {"MUL": 2, "HARD_SWISH": 2, "CONV_2D": 7, "TRANSPOSE": 0, "RESHAPE": 0}),
    ],
)
def test_file_holds_the_form_and_runs_in_one_partition(
    kind: str, size: tuple[int, int], expected: dict[str, int], tmp_path: Path
) -> None:
    """No constant of a gate is left as an operator; nothing is transposed but input, output and tiles."""
    import litert_torch

    torch.manual_seed(0)
    net = make_net(kind, CHANNELS, size, "hard_sigmoid")
    around = nn.Sequential(nn.Conv2d(8, CHANNELS, 1), nn.ReLU6(), net, nn.Conv2d(24, 8, 1)).eval()
    x = torch.randn(1, 8, *size)
    with torch.no_grad():
        wanted = around(x).numpy()
    path = tmp_path / "site.tflite"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        litert_torch.convert(lower_model(around, "tflite"), (x,)).export(str(path))
    plain = litert.Interpreter(
        str(path), experimental_op_resolver_type=litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    plain.allocate_tensors()
    operators = Counter(entry["op_name"] for entry in plain._get_ops_details())
    operators["TRANSPOSE"] -= 2  # the input and the output, from (N, C, H, W) and back
    assert {name: operators[name] for name in expected} == expected
    assert kind == "cbam" or operators["ADD"] == 0

    delegated = litert.Interpreter(str(path))
    delegated.allocate_tensors()
    entries = delegated._get_ops_details()
    assert sum(entry["op_name"] == "DELEGATE" for entry in entries) == 1
    delegated.set_tensor(delegated.get_input_details()[0]["index"], x.numpy())
    delegated.invoke()
    found = delegated.get_tensor(delegated.get_output_details()[0]["index"])
    assert np.abs(found - wanted).max() < 1e-4 * np.abs(wanted).max()
