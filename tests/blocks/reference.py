"""The papers' formulas in their textbook form: adaptive pools, concatenation, permutation, linear layers.

Nothing here comes from the package. The functions take the weights by name; the classes carry the names that the
official repositories gave them.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

Weights = dict[str, Tensor]
Gate = Callable[[Tensor], Tensor]


def sigmoid(x: Tensor) -> Tensor:
    return (1 + torch.tanh(x / 2)) / 2  # 1 / (1 + exp(-x)), without the overflow in its gradient


def hard_sigmoid(x: Tensor) -> Tensor:
    return torch.clamp((x + 3) / 6, 0, 1)


def hard_swish(x: Tensor) -> Tensor:
    return x * hard_sigmoid(x)


GATES: dict[str, Gate] = {"sigmoid": sigmoid, "hard_sigmoid": hard_sigmoid}


def matrix(weight: Tensor) -> Tensor:
    """The kernel of a 1x1 convolution as a matrix."""
    return weight.flatten(1)


def squeeze_excitation(x: Tensor, weights: Weights, gate: Gate) -> Tensor:
    z = functional.adaptive_avg_pool2d(x, 1).flatten(1)
    hidden = functional.relu6(functional.linear(z, matrix(weights["conv.0.weight"]), weights["conv.0.bias"]))
    s = gate(functional.linear(hidden, matrix(weights["conv.2.weight"]), weights["conv.2.bias"]))
    return x * s[:, :, None, None].expand_as(x)


def efficient_channel_attention(x: Tensor, weights: Weights, gate: Gate) -> Tensor:
    kernel = weights["conv.weight"]
    y = functional.adaptive_avg_pool2d(x, 1).squeeze(-1).transpose(1, 2)
    y = functional.conv1d(y, kernel, padding=kernel.shape[-1] // 2)
    return x * gate(y.transpose(1, 2).unsqueeze(-1)).expand_as(x)


def channel_attention(x: Tensor, weights: Weights, gate: Gate, prefix: str = "") -> Tensor:
    def mlp(pooled: Tensor) -> Tensor:
        first, second = f"{prefix}mlp.0", f"{prefix}mlp.2"
        hidden = functional.linear(pooled, matrix(weights[f"{first}.weight"]), weights[f"{first}.bias"]).relu()
        return functional.linear(hidden, matrix(weights[f"{second}.weight"]), weights[f"{second}.bias"])

    mean = functional.adaptive_avg_pool2d(x, 1).flatten(1)
    maximum = functional.adaptive_max_pool2d(x, 1).flatten(1)
    return x * gate(mlp(mean) + mlp(maximum))[:, :, None, None].expand_as(x)


def spatial_attention(x: Tensor, weights: Weights, gate: Gate, prefix: str = "") -> Tensor:
    both = torch.cat([x.mean(1, keepdim=True), x.max(1, keepdim=True).values], dim=1)
    scores = functional.conv2d(both, weights[f"{prefix}conv.weight"], weights[f"{prefix}conv.bias"], padding=3)
    return x * gate(scores).expand_as(x)


def cbam(x: Tensor, weights: Weights, gate: Gate) -> Tensor:
    return spatial_attention(channel_attention(x, weights, gate, "channel."), weights, gate, "spatial.")


def encode_strip(strip: Tensor, weights: Weights, *, training: bool) -> Tensor:
    y = functional.conv2d(strip, weights["conv1.weight"], weights["conv1.bias"])
    mean, variance = weights["bn1.running_mean"], weights["bn1.running_var"]
    return hard_swish(
        functional.batch_norm(y, mean, variance, weights["bn1.weight"], weights["bn1.bias"], training=training)
    )


def coordinate_attention(x: Tensor, weights: Weights, gate: Gate, *, training: bool = False) -> Tensor:
    _, _, height, width = x.shape
    x_h = functional.adaptive_avg_pool2d(x, (None, 1))
    x_w = functional.adaptive_avg_pool2d(x, (1, None)).permute(0, 1, 3, 2)
    y = encode_strip(torch.cat([x_h, x_w], dim=2), weights, training=training)
    y_h, y_w = torch.split(y, [height, width], dim=2)
    a_h = gate(functional.conv2d(y_h, weights["conv_h.weight"], weights["conv_h.bias"]))
    a_w = gate(functional.conv2d(y_w.permute(0, 1, 3, 2), weights["conv_w.weight"], weights["conv_w.bias"]))
    return x * a_w.expand_as(x) * a_h.expand_as(x)


def x_attention(x: Tensor, weights: Weights, gate: Gate, *, training: bool = False) -> Tensor:
    y = encode_strip(functional.adaptive_avg_pool2d(x, (None, 1)), weights, training=training)
    return x * gate(functional.conv2d(y, weights["conv_h.weight"], weights["conv_h.bias"])).expand_as(x)


def y_attention(x: Tensor, weights: Weights, gate: Gate, *, training: bool = False) -> Tensor:
    y = encode_strip(functional.adaptive_avg_pool2d(x, (1, None)), weights, training=training)
    return x * gate(functional.conv2d(y, weights["conv_w.weight"], weights["conv_w.bias"])).expand_as(x)


class OfficialCoordinateAttention(nn.Module):
    """The names of coordatt.py (conv_h, conv_w) or, `mbv2_ca`, of mbv2_ca.py (conv2, conv3)."""

    def __init__(self, channels: int, reduction: int, gate: Gate = sigmoid, *, mbv2_ca: bool) -> None:
        super().__init__()
        hidden = max(8, channels // reduction)
        self.conv1 = nn.Conv2d(channels, hidden, 1)
        self.bn1 = nn.BatchNorm2d(hidden)
        self.names = ("conv2", "conv3") if mbv2_ca else ("conv_h", "conv_w")
        for name in self.names:
            self.add_module(name, nn.Conv2d(hidden, channels, 1))
        self.gate = gate

    def forward(self, x: Tensor) -> Tensor:
        weights = self.state_dict()
        for ours, theirs in zip(("conv_h", "conv_w"), self.names, strict=True):
            for kind in ("weight", "bias"):
                weights[f"{ours}.{kind}"] = weights[f"{theirs}.{kind}"]
        return coordinate_attention(x, weights, self.gate)


class OfficialChannelGate(nn.Module):
    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        hidden = channels // reduction
        self.mlp = nn.Sequential(nn.Flatten(), nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels))

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[2:]
        scores = self.mlp(functional.avg_pool2d(x, size)) + self.mlp(functional.max_pool2d(x, size))
        return x * sigmoid(scores)[:, :, None, None].expand_as(x)


class OfficialSpatialConvolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3, bias=False)
        self.bn = nn.BatchNorm2d(1)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class OfficialSpatialGate(nn.Module):
    """Over [max; mean], the other way round than in the paper, and with a BatchNorm."""

    def __init__(self) -> None:
        super().__init__()
        self.spatial = OfficialSpatialConvolution()

    def forward(self, x: Tensor) -> Tensor:
        both = torch.cat([x.max(1, keepdim=True).values, x.mean(1, keepdim=True)], dim=1)
        return x * sigmoid(self.spatial(both))


class OfficialCBAM(nn.Module):
    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.ChannelGate = OfficialChannelGate(channels, reduction)
        self.SpatialGate = OfficialSpatialGate()

    def forward(self, x: Tensor) -> Tensor:
        return self.SpatialGate(self.ChannelGate(x))


class OfficialMobileNetV2(nn.Module):
    """MobileNetV2 at width 1.0 with the names of mbv2_ca.py, and coordinate attention of ratio 32."""

    def __init__(self, class_count: int, gate: Gate) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Sequential(*self.unit(3, 32, 3, 2, 1))]
        inputs = 32
        for expansion, outputs, repeats, stride in (
            (1, 16, 1, 1),
            (6, 24, 2, 2),
            (6, 32, 3, 2),
            (6, 64, 4, 2),
            (6, 96, 3, 1),
            (6, 160, 3, 2),
            (6, 320, 1, 1),
        ):
            for index in range(repeats):
                layers.append(self.block(inputs, outputs, expansion, stride if index == 0 else 1, gate))
                inputs = outputs
        self.features = nn.Sequential(*layers)
        self.conv = nn.Sequential(*self.unit(320, 1280, 1, 1, 1))
        self.classifier = nn.Sequential(nn.Dropout(0.1), nn.Linear(1280, class_count))

    def unit(self, inputs: int, outputs: int, kernel: int, stride: int, groups: int) -> list[nn.Module]:
        convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        return [convolution, nn.BatchNorm2d(outputs), nn.ReLU6()]

    def block(self, inputs: int, outputs: int, expansion: int, stride: int, gate: Gate) -> nn.Module:
        hidden = inputs * expansion
        layers = [] if expansion == 1 else self.unit(inputs, hidden, 1, 1, 1)
        layers += self.unit(hidden, hidden, 3, stride, hidden)
        if expansion != 1:
            layers.append(OfficialCoordinateAttention(hidden, 32, gate, mbv2_ca=True))
        layers += [nn.Conv2d(hidden, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        holder = nn.Module()
        holder.conv = nn.Sequential(*layers)
        holder.forward = (  # type: ignore[method-assign]
            (lambda x: x + holder.conv(x)) if stride == 1 and inputs == outputs else (lambda x: holder.conv(x))
        )
        return holder

    def forward(self, x: Tensor) -> Tensor:
        x = functional.adaptive_avg_pool2d(self.conv(self.features(x)), 1)
        return self.classifier(x.flatten(1))
