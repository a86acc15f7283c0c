"""MobileNetV2 with a slot for attention.

Sandler, Howard, Zhu, Zhmoginov, Chen: "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018,
arXiv:1801.04381. The slot and the names of the weights are those of the official code of coordinate attention
(mbv2_ca.py).
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from pocketbench.blocks.arguments import check_map
from pocketbench.blocks.backbones.sizes import check_arguments, halve, round_channels
from pocketbench.blocks.backbones.slots import make_slot
from pocketbench.blocks.factory import DEFAULT_GATE

# expansion, channels, repeats, first stride: table 2 of the paper.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
STEM_CHANNELS = 32
HEAD_CHANNELS = 1280
DROPOUT_FRACTION = 0.1


class MobileNetV2(nn.Module):
    """MobileNetV2; the attention stands after depthwise, BatchNorm and ReLU6, before the projection.

    All 17 blocks but the first, whose expansion is 1, have the slot.

    Shape: (N, C, H, W) to (N, class_count), for the C, H and W of `input_shape` alone.

    Args:
        input_shape: (N, C, H, W); H and W need not be multiples of 32.
        class_count: outputs of the classifier.
        width_ratio: factor on the channels of each layer; the last keeps 1280 for ratios up to 1.
        block: the name of an attention block, None for none.
        reduction: of the block; None for its paper's default.
        gate: of the block.

    Raises:
        UsageError: for an argument out of range, and at run time for an input of another shape.

    Cost: 3,504,872 parameters, 300.8 M MACs at width 1.0, 224 x 224, 1000 classes, without attention.
    """

    def __init__(
        self,
        *,
        input_shape: tuple[int, ...] = (1, 3, 224, 224),
        class_count: int = 1000,
        width_ratio: float = 1.0,
        block: str | None = None,
        reduction: int | None = None,
        gate: str = DEFAULT_GATE,
    ) -> None:
        super().__init__()
        check_arguments("MobileNetV2", input_shape, class_count, width_ratio)
        _, self.in_channels, height, width = input_shape
        self.size = (height, width)
        attention = make_slot(block, reduction, gate)

        # Width 0.1 alone is rounded to multiples of 4: the official code does so.
        divisor = 4 if width_ratio == 0.1 else 8
        channels = round_channels(STEM_CHANNELS * width_ratio, divisor)
        size = halve(self.size)
        layers: list[nn.Module] = [nn.Sequential(*convolution(self.in_channels, channels, kernel_size=3, stride=2))]
        for expansion, stage_channels, repeats, first_stride in STAGES:
            outputs = round_channels(stage_channels * width_ratio, divisor)
            for index in range(repeats):
                stride = first_stride if index == 0 else 1
                size = halve(size) if stride == 2 else size
                hidden = channels * expansion
                slot = attention(hidden, size) if expansion != 1 else []
                layers.append(InvertedResidual(channels, hidden, outputs, stride, slot))
                channels = outputs
        self.features = nn.Sequential(*layers)
        head = round_channels(HEAD_CHANNELS * width_ratio, divisor) if width_ratio > 1 else HEAD_CHANNELS
        self.conv = nn.Sequential(*convolution(channels, head, kernel_size=1))
        self.pool = nn.AvgPool2d(size)
        self.classifier = nn.Sequential(nn.Dropout(DROPOUT_FRACTION), nn.Linear(head, class_count))
        initialise_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.in_channels, self.size)
        x = self.conv(self.features(x))
        x = self.pool(x).flatten(1)  # (N, 1280)
        scores: Tensor = self.classifier(x)  # (N, class_count)
        return scores


class InvertedResidual(nn.Module):
    """Expand, depthwise convolution, attention, project; plus the input where the shapes agree.

    Shape: (N, inputs, H, W) to (N, outputs, H / stride, W / stride), sizes rounded up.
    """

    def __init__(self, inputs: int, hidden: int, outputs: int, stride: int, attention: list[nn.Module]) -> None:
        super().__init__()
        self.identity = stride == 1 and inputs == outputs
        self.conv = nn.Sequential(
            *(convolution(inputs, hidden, kernel_size=1) if hidden != inputs else []),
            *convolution(hidden, hidden, kernel_size=3, stride=stride, groups=hidden),
            *attention,
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        projected: Tensor = self.conv(x)
        return x + projected if self.identity else projected


def convolution(inputs: int, outputs: int, *, kernel_size: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Convolution, BatchNorm and ReLU6."""
    return [
        nn.Conv2d(inputs, outputs, kernel_size, stride, kernel_size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(),
    ]


def initialise_weights(model: nn.Module) -> None:
    """Draw the weights as the official code does: N(0, 2 / (k k outputs)) for convolutions, N(0, 0.01^2) for linear."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
            nn.init.normal_(module.weight, 0.0, math.sqrt(2.0 / fan_out))
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0.0, 0.01)
            nn.init.zeros_(module.bias)
