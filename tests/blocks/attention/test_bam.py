"""BAM against the formula of its official code, whose weights load."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from pocketbench.blocks.factory import make_block
from tests.blocks.formula_checks import GATES, SIZES, check_gradients, check_output
from tests.blocks.reference import Gate, Weights, matrix, sigmoid


def bam(x: Tensor, weights: Weights, gate: Gate, *, training: bool = False) -> Tensor:
    def normalise(y: Tensor, name: str) -> Tensor:
        mean, variance = weights[f"{name}.running_mean"], weights[f"{name}.running_var"]
        gamma, beta = weights[f"{name}.weight"], weights[f"{name}.bias"]
        return functional.batch_norm(y, mean, variance, gamma, beta, training=training).relu()

    def convolve(y: Tensor, name: str, **options: int) -> Tensor:
        return functional.conv2d(y, weights[f"{name}.weight"], weights[f"{name}.bias"], **options)

    z = functional.adaptive_avg_pool2d(x, 1).flatten(1)
    hidden = functional.linear(z, matrix(weights["channel_att.0.weight"]), weights["channel_att.0.bias"])
    hidden = normalise(hidden, "channel_att.1")
    channel = functional.linear(hidden, matrix(weights["channel_att.3.weight"]), weights["channel_att.3.bias"])

    y = normalise(convolve(x, "spatial_att.0"), "spatial_att.1")
    y = normalise(convolve(y, "spatial_att.3", padding=4, dilation=4), "spatial_att.4")
    y = normalise(convolve(y, "spatial_att.6", padding=4, dilation=4), "spatial_att.7")
    spatial = convolve(y, "spatial_att.9")
    return x + x * gate(channel[:, :, None, None].expand_as(x) * spatial.expand_as(x))


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_output_is_that_of_the_formula(size: tuple[int, int], gate: str) -> None:
    for channels in (16, 72):
        check_output("bam", bam, channels, size, gate)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_gradients_are_those_of_the_formula(gate: str, training: bool) -> None:
    check_gradients("bam", bam, gate, training=training, has_statistics=True)


class OfficialBAM(nn.Module):
    """The names and the order of operations of the official bam.py."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        hidden = channels // reduction
        channel = OrderedDict(
            flatten=nn.Flatten(),
            gate_c_fc_0=nn.Linear(channels, hidden),
            gate_c_bn_1=nn.BatchNorm1d(hidden),
            gate_c_relu_1=nn.ReLU(),
            gate_c_fc_final=nn.Linear(hidden, channels),
        )
        spatial: OrderedDict[str, nn.Module] = OrderedDict(
            gate_s_conv_reduce0=nn.Conv2d(channels, hidden, 1),
            gate_s_bn_reduce0=nn.BatchNorm2d(hidden),
            gate_s_relu_reduce0=nn.ReLU(),
        )
        for index in range(2):
            spatial[f"gate_s_conv_di_{index}"] = nn.Conv2d(hidden, hidden, 3, padding=4, dilation=4)
            spatial[f"gate_s_bn_di_{index}"] = nn.BatchNorm2d(hidden)
            spatial[f"gate_s_relu_di_{index}"] = nn.ReLU()
        spatial["gate_s_conv_final"] = nn.Conv2d(hidden, 1, 1)
        self.channel_att, self.spatial_att = nn.Module(), nn.Module()
        self.channel_att.gate_c, self.spatial_att.gate_s = nn.Sequential(channel), nn.Sequential(spatial)

    def forward(self, x: Tensor) -> Tensor:
        channel = self.channel_att.gate_c(functional.avg_pool2d(x, x.shape[2:]))[:, :, None, None]
        return (1 + sigmoid(channel.expand_as(x) * self.spatial_att.gate_s(x).expand_as(x))) * x


def test_the_official_weights_load() -> None:
    torch.manual_seed(0)
    official = OfficialBAM(48, 16).eval()
    for key, value in official.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5 if "var" in key else 0.5 * torch.randn_like(value))
    weights = official.state_dict()
    names = list(weights)
    network = nn.Sequential(make_block("bam", channels=48, size=(9, 6), gate="sigmoid")).eval()
    network.load_state_dict({f"0.{name}": value for name, value in weights.items()})
    x = torch.randn(2, 48, 9, 6)
    with torch.no_grad():
        assert torch.allclose(network(x), official(x), rtol=1e-5, atol=1e-5)
    assert list(weights) == names


def test_its_own_weights_load_again() -> None:
    first, second = (make_block("bam", channels=48, size=(9, 6)).eval() for _ in range(2))
    second.load_state_dict(first.state_dict())
    x = torch.randn(1, 48, 9, 6)
    assert torch.equal(first(x), second(x))
