"""MobileNetV2 with a slot for attention.

Sandler, Howard, Zhu, Zhmoginov, Chen: "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018,
arXiv:1801.04381. The slot and the names of the weights are those of the official code of coordinate attention
(mbv2_ca.py).
"""

from __future__ import annotations

from torch import Tensor, nn

from pocketbench.blocks.arguments import check_map
from pocketbench.blocks.backbones.convolutions import convolution, initialise_weights
from pocketbench.blocks.backbones.inverted_residual import InvertedResidual
from pocketbench.blocks.backbones.sizes import MapShape, check_arguments, halve, round_channels
from pocketbench.blocks.backbones.slots import Slot, make_slot
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
        self.features, shapes = make_features(input_shape, width_ratio, make_slot(block, reduction, gate))
        last = shapes[-1]
        head = head_channels(width_ratio)
        self.conv = nn.Sequential(*convolution(last.channels, head, kernel_size=1))
        self.pool = nn.AvgPool2d(last.size)
        self.classifier = nn.Sequential(nn.Dropout(DROPOUT_FRACTION), nn.Linear(head, class_count))
        initialise_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.in_channels, self.size)
        x = self.conv(self.features(x))
        x = self.pool(x).flatten(1)  # (N, 1280)
        scores: Tensor = self.classifier(x)  # (N, class_count)
        return scores


def make_features(
    input_shape: tuple[int, ...], width_ratio: float, attention: Slot, *, output_stride: int = 32
) -> tuple[nn.Sequential, list[MapShape]]:
    """The stem and the 17 blocks, and the shape of the map that each of the 18 gives.

    Args:
        output_stride: where the maps have reached it, strides become dilations: each position has the value that it
            has at stride 32, and more positions lie between (Chen et al., "Rethinking Atrous Convolution for Semantic
            Image Segmentation", arXiv:1706.05587).
    """
    divisor = channel_divisor(width_ratio)
    channels = round_channels(STEM_CHANNELS * width_ratio, divisor)
    _, image_channels, height, width = input_shape
    size, reached, dilation = halve((height, width)), 2, 1
    layers: list[nn.Module] = [nn.Sequential(*convolution(image_channels, channels, kernel_size=3, stride=2))]
    shapes = [MapShape(channels=channels, size=size, stride=reached)]
    for expansion, stage_channels, repeats, first_stride in STAGES:
        outputs = round_channels(stage_channels * width_ratio, divisor)
        for index in range(repeats):
            stride = first_stride if index == 0 else 1
            own_dilation = dilation
            if stride == 2 and reached == output_stride:
                stride, dilation = 1, dilation * 2
            elif stride == 2:
                size, reached = halve(size), reached * 2
            hidden = channels * expansion
            slot = attention(hidden, size) if expansion != 1 else []
            layers.append(InvertedResidual(channels, hidden, outputs, stride, slot, dilation=own_dilation))
            channels = outputs
            shapes.append(MapShape(channels=channels, size=size, stride=reached))
    return nn.Sequential(*layers), shapes


def channel_divisor(width_ratio: float) -> int:
    """Width 0.1 alone is rounded to multiples of 4: the official code does so."""
    return 4 if width_ratio == 0.1 else 8


def head_channels(width_ratio: float) -> int:
    if width_ratio <= 1:
        return HEAD_CHANNELS
    return round_channels(HEAD_CHANNELS * width_ratio, channel_divisor(width_ratio))
