"""Operators as coremltools converts torch's, against torch's own results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from pocketbench.export import to_coreml
from pocketbench.export.mil.half_precision import find_difference
from pocketbench.export.mil.program import read_program
from tests.export.mil.packages import draw

Function = Callable[[torch.Tensor], torch.Tensor]

IMAGE_SHAPE = (2, 4, 9, 12)


class Part(nn.Module):
    """A layer on a part of the image."""

    def __init__(self, choose: Function, layer: nn.Module) -> None:
        super().__init__()
        self.choose = choose
        self.layer = layer

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.layer(self.choose(image))


ACTIVATIONS: dict[str, Function] = {
    "relu": functional.relu,
    "relu6": lambda x: functional.relu6(x * 5),
    "leaky_relu": nn.LeakyReLU(0.2),
    "prelu": nn.PReLU(4, 0.3),
    "elu": nn.ELU(0.7),
    "selu": functional.selu,
    "gelu": functional.gelu,
    "gelu tanh": lambda x: functional.gelu(x, approximate="tanh"),
    "silu": functional.silu,
    "mish": functional.mish,
    "hardswish": lambda x: functional.hardswish(x * 3),
    "hardsigmoid": lambda x: functional.hardsigmoid(x * 3),
    "hardtanh": lambda x: functional.hardtanh(x, -0.5, 1.0),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softplus": functional.softplus,
    "softplus steep": lambda x: functional.softplus(x, beta=2.0),
    "softsign": functional.softsign,
    "softmax": lambda x: functional.softmax(x, dim=1),
    "log_softmax": lambda x: functional.log_softmax(x, dim=-1),
    "glu": lambda x: functional.glu(x, dim=1),
    "logsigmoid": lambda x: torch.log(torch.sigmoid(x)),
}

CONVOLUTIONS: dict[str, Function] = {
    "conv": nn.Conv2d(4, 6, 3, padding=1),
    "conv strided": nn.Conv2d(4, 6, 3, stride=2, padding=1, bias=False),
    "conv uneven": nn.Conv2d(4, 6, (3, 1), stride=(1, 2), padding=(2, 0)),
    "conv dilated": nn.Conv2d(4, 6, 3, padding=2, dilation=(2, 3)),
    "conv grouped": nn.Conv2d(4, 8, 3, groups=2),
    "conv depthwise": nn.Conv2d(4, 8, 5, padding=2, groups=4),
    "conv same": nn.Conv2d(4, 6, (4, 2), padding="same"),
    "conv after uneven padding": nn.Sequential(nn.ZeroPad2d((0, 1, 2, 1)), nn.Conv2d(4, 6, 3, stride=2)),
    "conv and batch_norm": nn.Sequential(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6)),
    "conv_transpose": nn.ConvTranspose2d(4, 6, 3, stride=2),
    "conv_transpose padded": nn.ConvTranspose2d(4, 6, 4, stride=2, padding=1),
    "conv_transpose output padding": nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1),
    "conv_transpose grouped": nn.ConvTranspose2d(4, 6, 2, stride=2, groups=2),
    "conv_transpose dilated": nn.ConvTranspose2d(4, 6, 3, dilation=2),
    "conv 1d": Part(lambda x: x[:, 0], nn.Conv1d(9, 5, 3, stride=2, padding=1)),
    "conv 1d dilated": Part(lambda x: x[:, 1], nn.Conv1d(9, 9, 3, dilation=2, groups=3)),
    "conv_transpose 1d": Part(lambda x: x[:, 0], nn.ConvTranspose1d(9, 5, 3, stride=2, padding=1)),
    "conv 3d": Part(lambda x: x[None], nn.Conv3d(2, 3, (2, 3, 3), padding=(0, 1, 2))),
}

POOLINGS: dict[str, Function] = {
    "max_pool": nn.MaxPool2d(3, stride=2, padding=1),
    "max_pool ceil": nn.MaxPool2d(2, stride=2, ceil_mode=True),
    "max_pool ceil padded": nn.MaxPool2d((3, 4), stride=(2, 3), padding=1, ceil_mode=True),
    "max_pool 1d": lambda x: functional.max_pool1d(x[:, 0], 3, stride=2, padding=1),
    "max_pool 3d": lambda x: functional.max_pool3d(x[None], (1, 2, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
    "avg_pool": nn.AvgPool2d(3, stride=2, padding=1),
    "avg_pool excluding": nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False),
    "avg_pool ceil": nn.AvgPool2d(2, stride=2, ceil_mode=True),
    "avg_pool ceil padded": nn.AvgPool2d((3, 5), stride=2, padding=(1, 2), ceil_mode=True),
    "avg_pool ceil excluding": nn.AvgPool2d((3, 5), stride=2, padding=(1, 2), ceil_mode=True, count_include_pad=False),
    "avg_pool rows": nn.AvgPool2d((9, 1)),
    "avg_pool 1d": lambda x: functional.avg_pool1d(x[:, 0], 4, stride=3, padding=2),
    "avg_pool 3d": lambda x: functional.avg_pool3d(x[None], (2, 2, 3), stride=(1, 2, 2), padding=(1, 1, 1)),
    "adaptive_avg_pool": nn.AdaptiveAvgPool2d(1),
    "adaptive_avg_pool rows": nn.AdaptiveAvgPool2d((9, 1)),
    "adaptive_avg_pool grid": nn.AdaptiveAvgPool2d((3, 4)),
    "adaptive_max_pool": nn.AdaptiveMaxPool2d(1),
    "amax": lambda x: x.amax((2, 3), keepdim=True),
    "mean": lambda x: x.mean((2, 3)),
    "mean of channels": lambda x: torch.cat([x.mean(1, keepdim=True), x.amax(1, keepdim=True)], 1),
}

NORMALISATIONS: dict[str, Function] = {
    "batch_norm": nn.BatchNorm2d(4),
    "group_norm": nn.GroupNorm(2, 4),
    "instance_norm": nn.InstanceNorm2d(4, affine=True),
    "layer_norm": nn.LayerNorm(12),
    "layer_norm of channels": Part(lambda x: x.permute(0, 2, 3, 1), nn.LayerNorm(4)),
    "layer_norm two axes": nn.LayerNorm((9, 12)),
    "local_response_norm": nn.LocalResponseNorm(3, alpha=0.5),
    "normalize": lambda x: functional.normalize(x, dim=1),
}

SHAPES: dict[str, Function] = {
    "flatten": lambda x: x.flatten(1),
    "permute": lambda x: x.permute(0, 2, 3, 1),
    "view": lambda x: x.view(2, 2, 2, -1),
    "slice": lambda x: x[:, 1:3, 2:-1, ::2],
    "slice from the end": lambda x: x[:, -2:, :-3, 1::3],
    "pick": lambda x: x[:, 1],
    "flip": lambda x: x.flip((2, 3)),
    "roll": lambda x: torch.roll(x, (1, -2), (2, 3)),
    "chunk": lambda x: x.chunk(2, 1)[1] * 2 - x.chunk(2, 1)[0],
    "split": lambda x: torch.cat(torch.split(x, [2, 3, 4], dim=2)[::-1], 2),
    "unbind": lambda x: x.unbind(1)[2] - x.unbind(1)[0],
    "stack": lambda x: torch.stack([x, x * 2], 2),
    "repeat": lambda x: x.repeat(1, 2, 1, 3),
    "expand": lambda x: x.mean((2, 3), keepdim=True).expand(2, 4, 3, 5),
    "channel shuffle": lambda x: x.view(2, 2, 2, 9, 12).transpose(1, 2).reshape(2, 4, 9, 12),
    "pixel_shuffle": lambda x: functional.pixel_shuffle(x, 2),
    "pixel_unshuffle": lambda x: functional.pixel_unshuffle(x, 3),
    "pad constant": lambda x: functional.pad(x, (1, 2, 0, 3), value=0.5),
    "pad reflect": lambda x: functional.pad(x, (1, 2, 3, 4), mode="reflect"),
    "pad replicate": lambda x: functional.pad(x, (1, 2, 0, 3), mode="replicate"),
    "tril": lambda x: torch.tril(x),
    "index_select": lambda x: x.index_select(1, torch.tensor([3, 0, 0])),
    "focus": lambda x: torch.cat([x[..., ::2, ::2], functional.pad(x, (0, 0, 0, 1))[..., 1::2, 1::2]], 1),
}

RESIZES: dict[str, Function] = {
    "nearest": lambda x: functional.interpolate(x, scale_factor=2, mode="nearest"),
    "nearest size": lambda x: functional.interpolate(x, size=(18, 36), mode="nearest"),
    "bilinear": lambda x: functional.interpolate(x, scale_factor=2, mode="bilinear"),
    "bilinear aligned": lambda x: functional.interpolate(x, scale_factor=3, mode="bilinear", align_corners=True),
    "bilinear size": lambda x: functional.interpolate(x, size=(27, 12), mode="bilinear"),
    "bilinear smaller": lambda x: functional.interpolate(x, size=(3, 4), mode="bilinear", align_corners=True),
}

MATHEMATICS: dict[str, Function] = {
    "linear": nn.Linear(12, 5),
    "linear without bias": nn.Linear(12, 5, bias=False),
    "linear on a vector": nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)),
    "matmul": lambda x: x @ x.transpose(-1, -2),
    "attention": lambda x: functional.scaled_dot_product_attention(x, x * 0.5, x + 1),
    "einsum": lambda x: torch.einsum("bchw,bcwk->bchk", x, x.transpose(-1, -2)),
    "arithmetic": lambda x: (x + 2) * x - 1 / (x.abs() + 1),
    "broadcast": lambda x: x * x.mean((2, 3), keepdim=True) + torch.arange(12.0),
    "clamp": lambda x: x.clamp(-0.5, 1.0) + x.clamp(min=0.1),
    "where": lambda x: torch.where(x > 0.5, x, -x),
    "maximum": lambda x: torch.maximum(x, -x * 0.5) + torch.minimum(x, x.flip(3)),
    "powers": lambda x: x.square() + x.abs().sqrt() + (x.abs() + 1).rsqrt() + x.abs() ** 1.5,
    "exponentials": lambda x: x.exp() + (x.abs() + 1).log() + torch.erf(x),
    "rounding": lambda x: (x * 3).floor() + (x * 3).ceil() * 2 + torch.sign(x),
    "sums": lambda x: x.sum((1, 3)) + x.amin((1, 3)),
    "variance": lambda x: x.var((2, 3), unbiased=False) + x.std((2, 3), unbiased=False),
    "norm": lambda x: torch.linalg.vector_norm(x, dim=(2, 3)),
    "reciprocal": lambda x: 1 / (x.abs() + 0.01),
    "division": lambda x: (x * 5) // 2 + torch.div(x * 5, 2, rounding_mode="trunc") + torch.remainder(x * 5, 2),
    "unbiased": lambda x: x.var(1, keepdim=True) + x.std((2, 3), keepdim=True),
    "logsumexp": lambda x: torch.logsumexp(x, 1),
    "cumsum": lambda x: x.cumsum(2),
    "argmax": lambda x: x.argmax(1).float(),
    "topk": lambda x: x.topk(2, dim=1).values,
}

FAMILIES = [ACTIVATIONS, CONVOLUTIONS, POOLINGS, NORMALISATIONS, SHAPES, RESIZES, MATHEMATICS]
CASES: dict[str, Function] = {name: function for family in FAMILIES for name, function in family.items()}


class Battery(nn.Module):
    """All functions on one image: one conversion instead of a hundred."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(function for function in CASES.values() if isinstance(function, nn.Module))

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(function(image) for function in CASES.values())


def make_battery() -> Battery:
    battery = Battery().eval()
    for index, parameter in enumerate(battery.parameters()):
        bound = parameter[0].numel() ** -0.5
        parameter.data = torch.from_numpy(draw(*parameter.shape, seed=index, low=-bound, high=bound))
    for index, module in enumerate(battery.modules()):
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.copy_(torch.from_numpy(draw(module.num_features, seed=index)))
            module.running_var.copy_(torch.from_numpy(draw(module.num_features, seed=index, low=0.5)))
    return battery


Results = dict[str, tuple[np.ndarray, np.ndarray]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("battery")


def convert_and_run(precision: str, folder: Path) -> Results:
    """For each case the output of the package and torch's own."""
    battery, image = make_battery(), draw(*IMAGE_SHAPE)
    with torch.no_grad():
        exported = torch.export.export(battery, (torch.from_numpy(image),))
        expected = [value.numpy() for value in battery(torch.from_numpy(image))]
    path = folder / f"{precision}.mlpackage"
    to_coreml.convert(exported, path, precision)
    [found] = to_coreml.run(path, [[image]])
    return dict(zip(CASES, zip(found, expected, strict=True), strict=True))


@pytest.fixture(scope="module")
def exact(folder: Path) -> Results:
    return convert_and_run("fp32", folder)


@pytest.fixture(scope="module")
def rounded(folder: Path) -> Results:
    return convert_and_run("fp16", folder)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_agrees_with_torch(exact: Results, name: str) -> None:
    found, expected = exact[name]
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


# a value next to a step lands on the other side when it is rounded
STEPPED = {"rounding", "division", "argmax"}


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(CASES) - STEPPED))
def test_half_precision_stays_near_torch(rounded: Results, name: str) -> None:
    found, expected = rounded[name]
    assert found.shape == expected.shape
    scale = np.abs(expected).max()
    assert np.abs(found - expected).max() < 0.01 * scale


@pytest.mark.slow
def test_half_precision_rounds(exact: Results, rounded: Results) -> None:
    differing = [name for name in CASES if np.abs(rounded[name][0] - exact[name][0]).max() > 1e-4]
    assert len(differing) > len(CASES) / 2


@pytest.mark.slow
@pytest.mark.usefixtures("exact", "rounded")
def test_half_precision_is_single_precision_rounded(folder: Path) -> None:
    half, single = (read_program(folder / f"{precision}.mlpackage") for precision in ("fp16", "fp32"))
    assert find_difference(half, single) is None
