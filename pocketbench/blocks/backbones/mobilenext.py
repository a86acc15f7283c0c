"""MobileNeXt with a slot for attention.

Zhou, Hou, Chen, Feng, Yan: "Rethinking Bottleneck Structure for Efficient Mobile Network Design", ECCV 2020,
arXiv:2007.02269. The layers and the names of the weights are those of the official code (mnext.py).
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from pocketbench.blocks.arguments import check_map
from pocketbench.blocks.backbones.convolutions import convolution, initialise_weights
from pocketbench.blocks.backbones.mobilenet_v2 import channel_divisor
from pocketbench.blocks.backbones.sizes import Size, check_arguments, halve, round_channels
from pocketbench.blocks.backbones.slots import Slot, make_slot
from pocketbench.blocks.factory import DEFAULT_GATE

# reduction of the bottleneck, channels, repeats, first stride: table 2 of the paper, as the official code has it.
STAGES = (
    (2, 96, 1, 2),
    (6, 144, 1, 1),
    (6, 192, 3, 2),
    (6, 288, 3, 2),
    (6, 384, 4, 1),
    (6, 576, 4, 2),
    (6, 960, 3, 1),
    (6, 1280, 1, 1),
)
STEM_CHANNELS = 32
SMALLEST_LAST_CHANNELS = 1280
WIDEST_BOTTLENECK = 6
DROPOUT_FRACTION = 0.2


class MobileNeXt(nn.Module):
    """MobileNeXt; the attention stands after the first depthwise convolution of a sandglass, before the bottleneck.

    15 of the 20 blocks have that convolution, and with it the slot: those that change the channels within a stage's
    first block start with the bottleneck, but for the first, the second and the last stage.

    Shape: (N, C, H, W) to (N, class_count), for the C, H and W of `input_shape` alone.

    Args:
        input_shape: (N, C, H, W); H and W need not be multiples of 32.
        class_count: outputs of the classifier.
        width_ratio: factor on the channels of each layer; the last has 1280 or more.
        block: the name of an attention block, None for none.
        reduction: of the block; None for its paper's default.
        gate: of the block.

    Raises:
        UsageError: for an argument out of range, and at run time for an input of another shape.

    Cost: 3,535,416 parameters, 311.3 M MACs at width 1.0, 224 x 224, 1000 classes, without attention.
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
        check_arguments("MobileNeXt", input_shape, class_count, width_ratio)
        _, self.in_channels, height, width = input_shape
        self.size = (height, width)
        attention = make_slot(block, reduction, gate)

        divisor = channel_divisor(width_ratio)
        channels = round_channels(STEM_CHANNELS * width_ratio, divisor)
        size = halve(self.size)
        layers: list[nn.Module] = [nn.Sequential(*convolution(self.in_channels, channels, kernel_size=3, stride=2))]
        for bottleneck_ratio, stage_channels, repeats, first_stride in STAGES:
            outputs = round_channels(stage_channels * width_ratio, divisor)
            if stage_channels == SMALLEST_LAST_CHANNELS:
                outputs = max(outputs, SMALLEST_LAST_CHANNELS)
            for index in range(repeats):
                stride = first_stride if index == 0 else 1
                always_depthwise = bottleneck_ratio == 2 or (repeats == 1 and first_stride == 1)
                layers.append(
                    Sandglass(
                        channels,
                        outputs,
                        size,
                        stride,
                        attention,
                        bottleneck_ratio=bottleneck_ratio,
                        always_depthwise=always_depthwise,
                    )
                )
                size = halve(size) if stride == 2 else size
                channels = outputs
        self.features = nn.Sequential(*layers)
        self.pool = nn.AvgPool2d(size)
        self.classifier = nn.Sequential(nn.Dropout(DROPOUT_FRACTION), nn.Linear(channels, class_count))
        initialise_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.in_channels, self.size)
        x = self.pool(self.features(x)).flatten(1)  # (N, 1280)
        scores: Tensor = self.classifier(x)  # (N, class_count)
        return scores


class Sandglass(nn.Module):
    """Depthwise convolution, attention, bottleneck, depthwise convolution; plus the input where the shapes agree.

    A block that changes the channels leaves out the first depthwise convolution and, at stride 1, the last; one that is
    `always_depthwise` has both and adds no input.

    Shape: (N, inputs, H, W) to (N, outputs, H / stride, W / stride), sizes rounded up.

    Args:
        size: (H, W).
        attention: the slot.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        size: Size,
        stride: int,
        attention: Slot,
        *,
        bottleneck_ratio: int,
        always_depthwise: bool,
    ) -> None:
        super().__init__()
        hidden = inputs // bottleneck_ratio
        if hidden < outputs / WIDEST_BOTTLENECK:
            hidden = round_channels(math.ceil(outputs / WIDEST_BOTTLENECK), 16)
        same = inputs == outputs
        self.identity = same and not always_depthwise
        first = [*convolution(inputs, inputs, kernel_size=3, groups=inputs), *attention(inputs, size)]
        last = convolution(outputs, outputs, kernel_size=3, stride=stride, groups=outputs, activation=None)
        self.conv = nn.Sequential(
            *(first if same or always_depthwise else []),
            *convolution(inputs, hidden, kernel_size=1, activation=None),
            *convolution(hidden, outputs, kernel_size=1),
            *(last if same or always_depthwise or stride == 2 else []),
        )

    def forward(self, x: Tensor) -> Tensor:
        changed: Tensor = self.conv(x)
        return x + changed if self.identity else changed
