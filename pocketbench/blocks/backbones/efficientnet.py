"""EfficientNet-B0 with a slot for attention.

Tan, Le: "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019, arXiv:1905.11946.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from pocketbench.blocks.arguments import check_map
from pocketbench.blocks.backbones.convolutions import convolution
from pocketbench.blocks.backbones.inverted_residual import InvertedResidual
from pocketbench.blocks.backbones.sizes import check_arguments, halve, round_channels
from pocketbench.blocks.backbones.slots import make_slot
from pocketbench.blocks.factory import DEFAULT_GATE

# expansion, kernel size, channels, repeats, first stride: table 1 of the paper.
STAGES = (
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)
STEM_CHANNELS = 32
HEAD_CHANNELS = 1280
DROPOUT_FRACTION = 0.2
OWN_REDUCTION = 4


class EfficientNetB0(nn.Module):
    """EfficientNet-B0; the attention stands in the place of squeeze-and-excitation, in all 16 blocks.

    Shape: (N, C, H, W) to (N, class_count), for the C, H and W of `input_shape` alone.

    Args:
        input_shape: (N, C, H, W); H and W need not be multiples of 32.
        class_count: outputs of the classifier.
        width_ratio: factor on the channels of each layer.
        block: the name of an attention block, None for none. "se" is the paper's own.
        reduction: of the block, relative to the expanded channels; None for its paper's default. "se" without one
            has a quarter of the channels before the expansion.
        gate: of the block; that of the paper's squeeze-and-excitation is "sigmoid".

    Raises:
        UsageError: for an argument out of range, and at run time for an input of another shape.

    Differs: no dropping of whole blocks in training.
    Cost: 5,288,548 parameters, 385.8 M MACs with "se" at width 1.0, 224 x 224, 1000 classes; 4,652,008 without.
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
        check_arguments("EfficientNet-B0", input_shape, class_count, width_ratio)
        _, self.in_channels, height, width = input_shape
        self.size = (height, width)
        attention = make_slot(block, reduction, gate, own_activation=nn.SiLU)

        channels = round_channels(STEM_CHANNELS * width_ratio, 8)
        size = halve(self.size)
        stem = convolution(self.in_channels, channels, kernel_size=3, stride=2, activation=nn.SiLU)
        layers: list[nn.Module] = [nn.Sequential(*stem)]
        for expansion, kernel_size, stage_channels, repeats, first_stride in STAGES:
            outputs = round_channels(stage_channels * width_ratio, 8)
            for index in range(repeats):
                stride = first_stride if index == 0 else 1
                size = halve(size) if stride == 2 else size
                hidden = channels * expansion
                slot = attention(hidden, size, own_hidden=channels // OWN_REDUCTION)
                layers.append(
                    InvertedResidual(
                        channels, hidden, outputs, stride, slot, kernel_size=kernel_size, activation=nn.SiLU
                    )
                )
                channels = outputs
        head = round_channels(HEAD_CHANNELS * width_ratio, 8)
        self.features = nn.Sequential(*layers)
        self.conv = nn.Sequential(*convolution(channels, head, kernel_size=1, activation=nn.SiLU))
        self.pool = nn.AvgPool2d(size)
        self.classifier = nn.Sequential(nn.Dropout(DROPOUT_FRACTION), nn.Linear(head, class_count))
        initialise_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.in_channels, self.size)
        x = self.conv(self.features(x))
        x = self.pool(x).flatten(1)  # (N, 1280)
        scores: Tensor = self.classifier(x)  # (N, class_count)
        return scores


def initialise_weights(model: nn.Module) -> None:
    """As the official code: N(0, 2 groups / (k k outputs)) for convolutions, U(-1, 1) / sqrt(outputs) for linear."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
            nn.init.normal_(module.weight, 0.0, math.sqrt(2.0 / fan_out))
        elif isinstance(module, nn.Linear):
            bound = 1 / math.sqrt(module.out_features)
            nn.init.uniform_(module.weight, -bound, bound)
        if isinstance(module, (nn.Conv2d, nn.Linear)) and module.bias is not None:
            nn.init.zeros_(module.bias)
