"""ResNet and ResNeXt: timm's figures and outputs, the place of the attention, sizes, and what they refuse."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from pocketbench.blocks.backbones.residual_block import ResidualBlock
from pocketbench.blocks.backbones.resnet import ResNet, ResNet18, ResNet50, ResNeXt18, ResNeXt50
from pocketbench.blocks.catalog import BACKBONES, BLOCKS
from pocketbench.blocks.checkpoint import load_checkpoint
from pocketbench.blocks.model_facts import count_model_facts
from pocketbench.blocks.timm_models import import_timm, make_timm_model
from pocketbench.core.errors import UsageError
from pocketbench.export import to_onnx
from tests.blocks.backbones.network_checks import check_rounding_errors, export_small
from tests.blocks.backbones.timm_weights import draw_like

SHAPE = (1, 3, 224, 224)
NETWORKS = (ResNet18, ResNet50, ResNeXt18, ResNeXt50)


# The figures of torchvision's documentation, and of the SE paper's section 6.1 (28.1 M, with 2.5 M in the blocks).
@pytest.mark.parametrize(
    ("network", "block", "parameters"),
    [
        (ResNet18, None, 11_689_512),
        (ResNet50, None, 25_557_032),
        (ResNeXt50, None, 25_028_904),
        (ResNet50, "se", 28_088_024),
        (ResNeXt50, "se", 27_559_896),
        (ResNeXt18, None, 15_389_480),
    ],
)
def test_parameters_are_the_published_ones(network: type[ResNet], block: str | None, parameters: int) -> None:
    with torch.device("meta"):
        model = network(block=block)
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters


# timm's legacy_seresnet18 divides as the paper does; its seresnet18 rounds the hidden channels to multiples of 8.
@pytest.mark.parametrize(
    ("network", "block", "name"),
    [
        (ResNet18, None, "resnet18"),
        (ResNet18, "se", "legacy_seresnet18"),
        pytest.param(ResNet50, "se", "seresnet50", marks=pytest.mark.slow),
        pytest.param(ResNeXt50, "se", "seresnext50_32x4d", marks=pytest.mark.slow),
    ],
)
def test_timm_has_as_many_parameters_and_macs(network: type[ResNet], block: str | None, name: str) -> None:
    ours = count_model_facts(network(block=block, reduction=16 if block else None), SHAPE)
    assert count_model_facts(make_timm_model(name, in_channels=3), SHAPE) == ours


@pytest.mark.slow
def test_with_the_strides_of_the_paper_se_resnet_50_has_its_macs() -> None:
    model = ResNet50(block="se")
    for block in model.modules():
        if isinstance(block, ResidualBlock) and block.conv2.stride == (2, 2):
            block.conv1.stride, block.conv2.stride = (2, 2), (1, 1)
    assert count_model_facts(model, SHAPE).mac_count / 1e9 == pytest.approx(3.87, abs=0.01)


@pytest.mark.parametrize(
    ("network", "name", "block"),
    [
        (ResNet18, "seresnet18", "se"),
        pytest.param(ResNeXt50, "resnext50_32x4d", None, marks=pytest.mark.slow),
        pytest.param(ResNeXt50, "seresnext50_32x4d", "se", marks=pytest.mark.slow),
    ],
)
def test_a_checkpoint_of_timm_gives_timms_outputs(
    tmp_path: Path, network: type[ResNet], name: str, block: str | None
) -> None:
    timm = import_timm()
    torch.manual_seed(0)
    theirs = make_timm_model(name, in_channels=3, class_count=5)
    if name == "seresnet18":
        for module in theirs.layer1:
            module.se = timm.layers.SEModule(64, rd_channels=4)
    draw_like(theirs)
    torch.save(theirs.state_dict(), tmp_path / "weights.pth")
    ours = network(input_shape=(1, 3, 64, 95), class_count=5, block=block, gate="sigmoid").eval()
    load_checkpoint(ours, tmp_path / "weights.pth")
    x = torch.randn(2, 3, 64, 95)
    with torch.no_grad():
        expected = theirs.eval()(x)
        assert (expected[0] - expected[1]).abs().max() > 1e-2 * expected.abs().max()
        assert torch.allclose(ours(x), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize(("network", "count"), [(ResNet18, 8), (ResNet50, 16), (ResNeXt18, 8), (ResNeXt50, 16)])
def test_attention_scales_the_residual_branch_behind_its_last_norm(network: type[ResNet], count: int) -> None:
    model = network(input_shape=(1, 3, 32, 32), class_count=2, width_ratio=0.1, block="se", reduction=8).eval()
    blocks = [module for module in model.modules() if isinstance(module, ResidualBlock)]
    assert len(blocks) == count
    seen: list[torch.Tensor] = []
    for block in blocks:
        (attention,) = block.attention
        assert isinstance(attention, BLOCKS.load("se"))
        last = max(int(name.removeprefix("bn")) for name, _ in block.named_children() if name.startswith("bn"))
        block.get_submodule(f"bn{last}").register_forward_hook(lambda *call: seen.append(call[2]))
        attention.register_forward_hook(lambda _m, inputs, output: seen.append(inputs[0]) or torch.zeros_like(output))
        block.register_forward_hook(lambda *call: seen.append(call[2]) or seen.append(call[1][0]))
    with torch.no_grad():
        model(torch.randn(1, 3, 32, 32))
    for block, (normed, scaled, output, x) in zip(blocks, zip(*[iter(seen)] * 4, strict=True), strict=True):
        assert scaled is normed
        assert torch.equal(output, block.act(block.downsample(x)))  # a gate of zero leaves the shortcut alone


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("block", [None, "se", "ca"])
@pytest.mark.parametrize("size", [(65, 65), (33, 47), (1, 1)], ids=str)
def test_any_input_size_works(network: type[ResNet], block: str | None, size: tuple[int, int]) -> None:
    model = network(
        input_shape=(1, 1, *size), class_count=7, width_ratio=0.1, block=block, reduction=8 if block else None
    )
    x = torch.zeros(2, 1, *size)
    assert model.features(x).shape[2:] == tuple(math.ceil(length / 32) for length in size)
    assert model.eval()(x).shape == (2, 7)


def test_groups_of_resnext_keep_their_number_at_any_width() -> None:
    for width, hidden in ((1.0, 128), (0.5, 64), (0.1, 32)):
        model = ResNeXt18(input_shape=(1, 3, 32, 32), class_count=2, width_ratio=width)
        convolution = model.layer1[0].conv2
        assert (convolution.groups, convolution.in_channels) == (32, hidden)


def test_another_input_is_refused_when_run() -> None:
    model = ResNet18(input_shape=(1, 3, 64, 64), width_ratio=0.1).eval()
    for shape in ((1, 3, 65, 64), (1, 3, 32, 64), (1, 1, 64, 64), (3, 64, 64)):
        with pytest.raises(UsageError, match=r"got \("):
            model(torch.zeros(shape))


@pytest.mark.parametrize(
    "wrong",
    [
        {"input_shape": (1, 3, 224)},
        {"input_shape": (1, 3, 0, 224)},
        {"class_count": 0},
        {"width_ratio": 0},
        {"width_ratio": math.nan},
        {"block": "se", "reduction": 65},  # the narrowest slot has 64 channels
        {"block": "eca", "reduction": 4},
        {"block": "se", "gate": "tanh"},
    ],
    ids=str,
)
def test_bad_arguments_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        ResNet18(**wrong)


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnext18", "resnext50"])
@pytest.mark.parametrize("block", [None, "se"])
def test_random_weights_are_well_conditioned(name: str, block: str | None) -> None:
    assert BACKBONES.load(name) in NETWORKS
    check_rounding_errors(name, width_ratio=0.25, block=block)


@pytest.mark.slow
def test_the_file_computes_what_the_network_computes(tmp_path: Path) -> None:
    export_small("resnext18", to_onnx, tmp_path / "a.onnx", width_ratio=0.25, block="se")
