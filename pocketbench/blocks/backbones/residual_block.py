"""The residual blocks of ResNet and ResNeXt with a slot for attention before the addition."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

# timm calls the attention `se` and its two layers `fc1` and `fc2`.
NAMES_IN_TIMM = {"se.fc1.": "attention.0.conv.0.", "se.fc2.": "attention.0.conv.2."}


class ResidualBlock(nn.Module):
    """relu(shortcut(x) + attention(bn(residual(x)))); the layers have the names of torchvision.

    Shape: (N, inputs, H, W) to (N, outputs, H / stride, W / stride), sizes rounded up.

    Args:
        convolutions: those of the residual branch, in order; a BatchNorm follows each, a ReLU each but the last.
        attention: a list of one block, or empty.
        stride: of the branch as a whole.
    """

    def __init__(self, convolutions: list[nn.Conv2d], attention: list[nn.Module], stride: int) -> None:
        super().__init__()
        for number, layer in enumerate(convolutions, 1):
            self.add_module(f"conv{number}", layer)
            self.add_module(f"bn{number}", nn.BatchNorm2d(layer.out_channels))
        self.depth = len(convolutions)
        self.act = nn.ReLU()
        self.attention = nn.Sequential(*attention)
        inputs, outputs = convolutions[0].in_channels, convolutions[-1].out_channels
        self.downsample = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.register_load_state_dict_pre_hook(rename_timm_weights)  # type: ignore[no-untyped-call]

    def forward(self, x: Tensor) -> Tensor:
        residual = x
        for number in range(1, self.depth + 1):
            residual = self.get_submodule(f"bn{number}")(self.get_submodule(f"conv{number}")(residual))
            if number < self.depth:
                residual = self.act(residual)
        joined: Tensor = self.act(self.downsample(x) + self.attention(residual))
        return joined


def make_basic_convolutions(inputs: int, outputs: int, stride: int) -> list[nn.Conv2d]:
    """Two of 3x3, the stride in the first."""
    return [
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
        nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
    ]


def make_bottleneck_convolutions(inputs: int, hidden: int, outputs: int, stride: int, groups: int) -> list[nn.Conv2d]:
    """1x1 to the hidden channels, 3x3 with the stride, 1x1 to the outputs."""
    return [
        nn.Conv2d(inputs, hidden, 1, bias=False),
        nn.Conv2d(hidden, hidden, 3, stride, 1, groups=groups, bias=False),
        nn.Conv2d(hidden, outputs, 1, bias=False),
    ]


def rename_timm_weights(_module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """Rename timm's squeeze-and-excitation."""
    for theirs, ours in NAMES_IN_TIMM.items():
        for name in [name for name in state_dict if name.startswith(prefix + theirs)]:
            state_dict[prefix + ours + name.removeprefix(prefix + theirs)] = state_dict.pop(name)
