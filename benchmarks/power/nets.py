"""A small MobileNetV2 and versions of it that do more work: a wider layer, a block more, operators that nothing fuses.

`wider_96` has 96 channels more in the last convolution, `block_48` one more inverted residual block of 48 hidden
channels at a quarter of the input's size, `unfused_3` an activation and a batch normalisation, which no convolution can
take up, behind each layer from the third on. `plain` is the network itself; `large_...` are the same in full width.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import nn

from pocketbench.blocks.backbones.inverted_residual import InvertedResidual
from pocketbench.blocks.backbones.mobilenet_v2 import MobileNetV2

SMALL = {"input_shape": (1, 3, 160, 160), "width_ratio": 0.35}
LARGE = {"input_shape": (1, 3, 192, 192), "width_ratio": 1.0}
EXTRA_BLOCK_PLACE = 3
"""After the second block of the second stage: 24 channels at width 1, a quarter of the input's size."""


def __getattr__(name: str) -> Callable[[], nn.Module]:
    """The network of a name, as `pocketbench export --model benchmarks.power.nets:NAME` asks for it."""
    size = LARGE if name.startswith("large_") else SMALL
    kind, _, amount = name.removeprefix("large_").partition("_")
    makers = {"plain": add_nothing, "wider": widen_last_layer, "block": add_block, "unfused": unfuse_operators}
    if kind not in makers or bool(amount) == (kind == "plain"):
        raise AttributeError(name)
    return functools.partial(make_net, makers[kind], int(amount or 0), size)


def make_net(change: Callable[[MobileNetV2, int], None], amount: int, size: dict[str, object]) -> nn.Module:
    torch.manual_seed(0)
    model = MobileNetV2(**size)  # type: ignore[arg-type]
    change(model, amount)
    return model


def add_nothing(_model: MobileNetV2, _amount: int) -> None:
    pass


def widen_last_layer(model: MobileNetV2, amount: int) -> None:
    """The last 1x1 convolution and the classifier behind it."""
    old = model.conv[0]
    head = old.out_channels + amount
    model.conv = nn.Sequential(
        nn.Conv2d(old.in_channels, head, 1, bias=False), nn.BatchNorm2d(head), nn.ReLU6(inplace=True)
    )
    model.classifier[1] = nn.Linear(head, model.classifier[1].out_features)


def add_block(model: MobileNetV2, amount: int) -> None:
    layers = list(model.features)
    channels = count_channels(layers[EXTRA_BLOCK_PLACE])
    layers.insert(EXTRA_BLOCK_PLACE + 1, InvertedResidual(channels, amount, channels, 1, []))
    model.features = nn.Sequential(*layers)


def unfuse_operators(model: MobileNetV2, amount: int) -> None:
    layers: list[nn.Module] = []
    for index, layer in enumerate(model.features):
        layers.append(layer)
        if index >= amount:
            channels = count_channels(layer)
            layers.append(nn.Sequential(nn.ReLU6(), nn.BatchNorm2d(channels)))
    model.features = nn.Sequential(*layers)


def count_channels(layer: nn.Module) -> int:
    """Of the map that a layer gives: those of its last normalisation."""
    return [part.num_features for part in layer.modules() if isinstance(part, nn.BatchNorm2d)][-1]
