"""BN-Inception: the port's parameters and outputs, the place of the attention, sizes, and what it refuses."""

from __future__ import annotations

import math
from pathlib import Path
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pocketbench.blocks.backbones.bn_inception import BNInception, InceptionModule
from pocketbench.blocks.catalog import BLOCKS
from pocketbench.blocks.checkpoint import load_checkpoint
from pocketbench.blocks.model_facts import count_model_facts
from pocketbench.core.errors import UsageError
from pocketbench.export import to_coreml, to_onnx, to_tflite
from tests.blocks.backbones.network_checks import check_rounding_errors, export_small

# The outputs of each layer of bninception in Cadene/pretrained-models.pytorch (pretrainedmodels/models/bninception.py):
# 1x1; 3x3_reduce, 3x3; double_3x3_reduce, double_3x3_1 and double_3x3_2; pool_proj.
PORT = {
    "3a": (64, 64, 64, 64, 96, 32),
    "3b": (64, 64, 96, 64, 96, 64),
    "3c": (0, 128, 160, 64, 96, 0),
    "4a": (224, 64, 96, 96, 128, 128),
    "4b": (192, 96, 128, 96, 128, 128),
    "4c": (160, 128, 160, 128, 160, 128),
    "4d": (96, 128, 192, 160, 192, 128),
    "4e": (0, 128, 192, 192, 256, 0),
    "5a": (352, 192, 320, 160, 224, 128),
    "5b": (352, 192, 320, 192, 224, 128),
}
Weights = dict[str, Tensor]


def draw_port(classes: int) -> Weights:
    """Random weights with the names and shapes of the port."""
    weights: Weights = {}

    def add(name: str, inputs: int, outputs: int, kernel_size: int) -> int:
        weights[f"{name}.weight"] = (
            torch.randn(outputs, inputs, kernel_size, kernel_size) * (2 / (inputs * kernel_size**2)) ** 0.5
        )
        weights[f"{name}.bias"] = 0.2 * torch.randn(outputs)
        weights[f"{name}_bn.weight"] = 1 + 0.2 * torch.randn(outputs)
        weights[f"{name}_bn.bias"] = 0.2 * torch.randn(outputs)
        weights[f"{name}_bn.running_mean"] = 0.2 * torch.randn(outputs)
        weights[f"{name}_bn.running_var"] = 0.5 + torch.rand(outputs)
        return outputs

    add("conv1_7x7_s2", 3, 64, 7)
    add("conv2_3x3_reduce", 64, 64, 1)
    inputs = add("conv2_3x3", 64, 192, 3)
    for stage, (one, reduce, three, double_reduce, double, projection) in PORT.items():
        name = f"inception_{stage}"
        if one:
            add(f"{name}_1x1", inputs, one, 1)
        add(f"{name}_3x3", add(f"{name}_3x3_reduce", inputs, reduce, 1), three, 3)
        add(f"{name}_double_3x3_1", add(f"{name}_double_3x3_reduce", inputs, double_reduce, 1), double, 3)
        add(f"{name}_double_3x3_2", double, double, 3)
        if projection:
            add(f"{name}_pool_proj", inputs, projection, 1)
        inputs = one + three + double + (projection or inputs)
    weights["last_linear.weight"], weights["last_linear.bias"] = torch.randn(classes, inputs), torch.randn(classes)
    return weights


def run_port(weights: Weights, x: Tensor) -> Tensor:
    """What the port computes, for sizes that are multiples of 32."""

    def layer(name: str, x: Tensor, stride: int = 1) -> Tensor:
        weight = weights[f"{name}.weight"]
        x = F.conv2d(x, weight, weights[f"{name}.bias"], stride, weight.shape[-1] // 2)
        norm = (weights[f"{name}_bn.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return F.relu(F.batch_norm(x, *norm))

    x = F.max_pool2d(layer("conv1_7x7_s2", x, 2), 3, 2, ceil_mode=True)
    x = F.max_pool2d(layer("conv2_3x3", layer("conv2_3x3_reduce", x)), 3, 2, ceil_mode=True)
    for stage, (one, *_, projection) in PORT.items():
        name, stride = f"inception_{stage}", 1 if one else 2
        parts = [layer(f"{name}_1x1", x)] if one else []
        parts.append(layer(f"{name}_3x3", layer(f"{name}_3x3_reduce", x), stride))
        double = layer(f"{name}_double_3x3_1", layer(f"{name}_double_3x3_reduce", x))
        parts.append(layer(f"{name}_double_3x3_2", double, stride))
        if not projection:
            parts.append(F.max_pool2d(x, 3, 2, ceil_mode=True))
        elif stage == "5b":
            parts.append(layer(f"{name}_pool_proj", F.max_pool2d(x, 3, 1, 1, ceil_mode=True)))
        else:
            parts.append(layer(f"{name}_pool_proj", F.avg_pool2d(x, 3, 1, 1, ceil_mode=True)))
        x = torch.cat(parts, 1)
    return F.linear(x.mean((2, 3)), weights["last_linear.weight"], weights["last_linear.bias"])


# 11.3 M are those of the port; the file of SE-BN-Inception has 46 MB of 2^20 bytes (github.com/hujie-frank/SENet).
@pytest.mark.parametrize(("block", "parameters", "megabytes"), [(None, 11_295_240, 43), ("se", 11_941_638, 46)])
def test_parameters_are_the_published_ones(block: str | None, parameters: int, megabytes: int) -> None:
    facts = count_model_facts(BNInception(block=block), (1, 3, 224, 224))
    assert facts.parameter_count == parameters
    assert round(4 * parameters / 2**20) == megabytes
    assert facts.mac_count / 1e9 == pytest.approx(2.03, abs=0.005)


def test_a_checkpoint_of_the_port_gives_its_outputs(tmp_path: Path) -> None:
    torch.manual_seed(0)
    weights = draw_port(5)
    torch.save({"state_dict": weights}, tmp_path / "bn_inception.pth")
    model = BNInception(input_shape=(1, 3, 64, 96), class_count=5).eval()
    assert sum(value.numel() for name, value in weights.items() if "running" not in name) == sum(
        parameter.numel() for parameter in model.parameters()
    )
    load_checkpoint(model, tmp_path / "bn_inception.pth")
    x = torch.randn(2, 3, 64, 96)
    with torch.no_grad():
        expected = run_port(weights, x)
        assert torch.allclose(model(x), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_what_was_saved_loads_again(tmp_path: Path) -> None:
    first, second = (BNInception(input_shape=(1, 3, 32, 32), class_count=3, width_ratio=0.1) for _ in range(2))
    torch.save(first.state_dict(), tmp_path / "ours.pth")
    load_checkpoint(second, tmp_path / "ours.pth")
    x = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(first.eval()(x), second.eval()(x))


def test_attention_stands_behind_each_module() -> None:
    model = BNInception(input_shape=(1, 3, 224, 224), class_count=2, block="se", reduction=16)
    layers = list(model.inceptions)
    assert all(isinstance(layer, InceptionModule) for layer in layers[::2])
    assert [len(layer) for layer in layers[1::2]] == [1] * 10
    blocks = [layer[0] for layer in layers[1::2]]
    assert all(isinstance(block, BLOCKS.load("se")) for block in blocks)
    sizes = [28, 28, 14, 14, 14, 14, 14, 7, 7, 7]
    channels = [256, 320, 576, 576, 576, 608, 608, 1056, 1024, 1024]  # table 1 of the paper, and of the port
    assert [(block.channels, block.size) for block in blocks] == [
        (count, (size, size)) for count, size in zip(channels, sizes, strict=True)
    ]


@pytest.mark.parametrize("block", [None, "se", "ca"])
@pytest.mark.parametrize("size", [(65, 66), (33, 47), (2, 3), (1, 1)], ids=str)
def test_any_input_size_works(block: str | None, size: tuple[int, int]) -> None:
    model = BNInception(input_shape=(1, 1, *size), class_count=7, width_ratio=0.1, block=block, reduction=block and 8)
    x = torch.zeros(2, 1, *size)
    assert model.eval().features(x).shape[2:] == tuple(math.ceil(length / 32) for length in size)
    assert model(x).shape == (2, 7)


def test_another_input_is_refused_when_run() -> None:
    model = BNInception(input_shape=(1, 3, 64, 64), width_ratio=0.1).eval()
    for shape in ((1, 3, 65, 64), (1, 3, 32, 64), (1, 1, 64, 64), (3, 64, 64)):
        with pytest.raises(UsageError, match=r"got \("):
            model(torch.zeros(shape))


@pytest.mark.parametrize(
    "wrong",
    [
        {"input_shape": (1, 3, 224)},
        {"input_shape": (1, 3, 224, 0)},
        {"class_count": 0},
        {"width_ratio": -1.0},
        {"block": "se", "reduction": 257},  # the narrowest module has 256 channels
        {"block": "se", "gate": "tanh"},
    ],
    ids=str,
)
def test_bad_arguments_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        BNInception(**wrong)


@pytest.mark.parametrize("block", [None, "se"])
def test_random_weights_are_well_conditioned(block: str | None) -> None:
    check_rounding_errors("bn_inception", width_ratio=0.25, block=block)


@pytest.mark.slow
@pytest.mark.parametrize("written", [to_onnx, to_tflite, to_coreml])
def test_the_file_computes_what_the_network_computes(tmp_path: Path, written: ModuleType) -> None:
    """The maps have 32, 16, 8 and 4 rows, and 33, 17, 9 and 5 columns: each pool is cut off and has borders."""
    path = tmp_path / {to_onnx: "net.onnx", to_tflite: "net.tflite", to_coreml: "net.mlpackage"}[written]
    shape = (1, 3, 64, 66)
    facts = export_small("bn_inception", written, path, width_ratio=0.1, input_shape=shape)
    network = BNInception(input_shape=shape, width_ratio=0.1, class_count=7)
    assert facts.mac_count == count_model_facts(network, shape).mac_count
