"""MobileNetV3, small and large, with a slot for attention.

Howard, Sandler, Chu, Chen, Chen, Tan, Wang, Zhu, Pang, Vasudevan, Le, Adam: "Searching for MobileNetV3", ICCV 2019,
arXiv:1905.02244.
"""

from __future__ import annotations

from torch import Tensor, nn

from pocketbench.blocks.arguments import check_map
from pocketbench.blocks.backbones.convolutions import convolution, initialise_weights
from pocketbench.blocks.backbones.inverted_residual import InvertedResidual
from pocketbench.blocks.backbones.sizes import check_arguments, halve, round_channels
from pocketbench.blocks.backbones.slots import make_slot
from pocketbench.blocks.factory import DEFAULT_GATE

Row = tuple[int, int, int, bool, type[nn.Module], int]

# kernel size, expanded channels, channels, squeeze-and-excitation, activation, stride: tables 1 and 2 of the paper.
LARGE: tuple[Row, ...] = (
    (3, 16, 16, False, nn.ReLU, 1),
    (3, 64, 24, False, nn.ReLU, 2),
    (3, 72, 24, False, nn.ReLU, 1),
    (5, 72, 40, True, nn.ReLU, 2),
    (5, 120, 40, True, nn.ReLU, 1),
    (5, 120, 40, True, nn.ReLU, 1),
    (3, 240, 80, False, nn.Hardswish, 2),
    (3, 200, 80, False, nn.Hardswish, 1),
    (3, 184, 80, False, nn.Hardswish, 1),
    (3, 184, 80, False, nn.Hardswish, 1),
    (3, 480, 112, True, nn.Hardswish, 1),
    (3, 672, 112, True, nn.Hardswish, 1),
    (5, 672, 160, True, nn.Hardswish, 2),
    (5, 960, 160, True, nn.Hardswish, 1),
    (5, 960, 160, True, nn.Hardswish, 1),
)
SMALL: tuple[Row, ...] = (
    (3, 16, 16, True, nn.ReLU, 2),
    (3, 72, 24, False, nn.ReLU, 2),
    (3, 88, 24, False, nn.ReLU, 1),
    (5, 96, 40, True, nn.Hardswish, 2),
    (5, 240, 40, True, nn.Hardswish, 1),
    (5, 240, 40, True, nn.Hardswish, 1),
    (5, 120, 48, True, nn.Hardswish, 1),
    (5, 144, 48, True, nn.Hardswish, 1),
    (5, 288, 96, True, nn.Hardswish, 2),
    (5, 576, 96, True, nn.Hardswish, 1),
    (5, 576, 96, True, nn.Hardswish, 1),
)
STEM_CHANNELS = 16
DROPOUT_FRACTION = 0.2
OWN_REDUCTION = 4
EPSILON = 1e-3


class MobileNetV3(nn.Module):
    """What the two networks below share: everything but their table and the channels of their last layers."""

    rows: tuple[Row, ...]
    last_channels: int
    hidden_channels: int

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
        check_arguments("MobileNetV3", input_shape, class_count, width_ratio)
        _, self.in_channels, height, width = input_shape
        self.size = (height, width)
        attention = make_slot(block, reduction, gate, own_activation=nn.ReLU)

        channels, channels_in_table = round_channels(STEM_CHANNELS * width_ratio, 8), STEM_CHANNELS
        size = halve(self.size)
        layers: list[nn.Module] = [
            nn.Sequential(*convolution_hard_swish(self.in_channels, channels, kernel_size=3, stride=2))
        ]
        for kernel_size, expanded, row_channels, has_attention, activation, stride in self.rows:
            # The expansion is a factor on the channels as they are, rounded, at this width.
            hidden = round_channels(channels * expanded / channels_in_table, 8)
            outputs = round_channels(row_channels * width_ratio, 8)
            size = halve(size) if stride == 2 else size
            own_hidden = round_channels(hidden // OWN_REDUCTION, 8)
            layers.append(
                InvertedResidual(
                    channels,
                    hidden,
                    outputs,
                    stride,
                    attention(hidden, size, own_hidden=own_hidden) if has_attention else [],
                    kernel_size=kernel_size,
                    activation=activation,
                    epsilon=EPSILON,
                )
            )
            channels, channels_in_table = outputs, row_channels
        last = round_channels(self.last_channels * width_ratio, 8)
        hidden = round_channels(self.hidden_channels * max(1.0, width_ratio), 8)
        self.features = nn.Sequential(*layers)
        self.conv = nn.Sequential(*convolution_hard_swish(channels, last, kernel_size=1))
        self.pool = nn.AvgPool2d(size)
        self.classifier = nn.Sequential(
            nn.Linear(last, hidden), nn.Hardswish(), nn.Dropout(DROPOUT_FRACTION), nn.Linear(hidden, class_count)
        )
        initialise_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.in_channels, self.size)
        x = self.conv(self.features(x))
        x = self.pool(x).flatten(1)  # (N, 960) or (N, 576)
        scores: Tensor = self.classifier(x)  # (N, class_count)
        return scores


class MobileNetV3Large(MobileNetV3):
    """MobileNetV3-Large; the attention stands where the paper has squeeze-and-excitation, in 8 of the 15 blocks.

    Shape: (N, C, H, W) to (N, class_count), for the C, H and W of `input_shape` alone.

    Args:
        input_shape: (N, C, H, W); H and W need not be multiples of 32.
        class_count: outputs of the classifier.
        width_ratio: factor on the channels of each layer; the classifier's hidden layer keeps 1280 for ratios up to 1.
        block: the name of an attention block, None for none. "se" is the paper's own.
        reduction: of the block; None for its paper's default. "se" without one has a quarter of the channels, rounded
            to a multiple of 8.
        gate: of the block.

    Raises:
        UsageError: for an argument out of range, and at run time for an input of another shape.

    Source: table 1 of the paper; rounding and BatchNorm's epsilon are those of the official code.
    Cost: 5,483,032 parameters, 216.6 M MACs with "se" at width 1.0, 224 x 224, 1000 classes; 3,970,752 without.
    """

    rows, last_channels, hidden_channels = LARGE, 960, 1280


class MobileNetV3Small(MobileNetV3):
    """MobileNetV3-Small; the attention stands where the paper has squeeze-and-excitation, in 9 of the 11 blocks.

    Shape: (N, C, H, W) to (N, class_count), for the C, H and W of `input_shape` alone.

    Args:
        input_shape: (N, C, H, W); H and W need not be multiples of 32.
        class_count: outputs of the classifier.
        width_ratio: factor on the channels of each layer; the classifier's hidden layer keeps 1024 for ratios up to 1.
        block: the name of an attention block, None for none. "se" is the paper's own.
        reduction: of the block; None for its paper's default. "se" without one has a quarter of the channels, rounded
            to a multiple of 8.
        gate: of the block.

    Raises:
        UsageError: for an argument out of range, and at run time for an input of another shape.

    Source: table 2 of the paper; rounding and BatchNorm's epsilon are those of the official code.
    Cost: 2,542,856 parameters, 56.5 M MACs with "se" at width 1.0, 224 x 224, 1000 classes; 2,081,216 without.
    """

    rows, last_channels, hidden_channels = SMALL, 576, 1024


def convolution_hard_swish(inputs: int, outputs: int, *, kernel_size: int, stride: int = 1) -> list[nn.Module]:
    """Convolution, BatchNorm and hard-swish: the first and the last layer of the features."""
    return convolution(
        inputs, outputs, kernel_size=kernel_size, stride=stride, activation=nn.Hardswish, epsilon=EPSILON
    )
