"""DeepLabV3 on MobileNetV2 with a slot for attention.

Chen, Papandreou, Schroff, Adam: "Rethinking Atrous Convolution for Semantic Image Segmentation", arXiv:1706.05587.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pocketbench.blocks.arguments import check_map
from pocketbench.blocks.attention.mean_pool import make_mean_pool
from pocketbench.blocks.backbones.convolutions import convolution, initialise_weights
from pocketbench.blocks.backbones.mobilenet_v2 import make_features
from pocketbench.blocks.backbones.sizes import Size, check_arguments
from pocketbench.blocks.backbones.slots import make_slot
from pocketbench.blocks.factory import DEFAULT_GATE

BRANCH_CHANNELS = 256
DROPOUT_FRACTION = 0.5
RATES = {16: (6, 12, 18), 8: (12, 24, 36)}


class DeepLabV3MobileNetV2(nn.Module):
    """DeepLabV3 on the features of MobileNetV2 at output stride 16; their attention is MobileNetV2's.

    Shape: (N, C, H, W) to (N, class_count, H, W), for the C, H and W of `input_shape` alone.

    Args:
        input_shape: (N, C, H, W); H and W need not be multiples of 16.
        class_count: classes of a pixel, the background among them.
        width_ratio: factor on the channels of the features.
        block: the name of an attention block, None for none.
        reduction: of the block; None for its paper's default.
        gate: of the block.

    Raises:
        UsageError: for an argument out of range, and at run time for an input of another shape.

    Source: section 3.3 of the paper; the names of the features' weights are those of MobileNetV2, so that its trained
        ones load.
    Differs: the classifier follows the pyramid directly, without another 3x3 convolution: so the paper of coordinate
        attention counts 4.5 M parameters, 4.9 M with squeeze-and-excitation, 5.0 M with coordinate attention.
    Cost: 4,523,541 parameters, 5.4 G MACs at 513 x 513, 21 classes, without attention.
    """

    output_stride = 16

    def __init__(
        self,
        *,
        input_shape: tuple[int, ...] = (1, 3, 513, 513),
        class_count: int = 21,
        width_ratio: float = 1.0,
        block: str | None = None,
        reduction: int | None = None,
        gate: str = DEFAULT_GATE,
    ) -> None:
        super().__init__()
        check_arguments("DeepLabV3", input_shape, class_count, width_ratio)
        _, self.in_channels, height, width = input_shape
        self.size = (height, width)
        slot = make_slot(block, reduction, gate)
        self.features, shapes = make_features(input_shape, width_ratio, slot, output_stride=self.output_stride)
        self.aspp = AtrousPyramid(shapes[-1].channels, shapes[-1].size, RATES[self.output_stride])
        self.classifier = nn.Conv2d(BRANCH_CHANNELS, class_count, 1)
        self.enlarge = make_enlargement(self.size)
        initialise_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.in_channels, self.size)
        x = self.aspp(self.features(x))  # (N, 256, H / 16, W / 16)
        scores: Tensor = self.enlarge(self.classifier(x))  # (N, class_count, H, W)
        return scores


class DeepLabV3MobileNetV2Stride8(DeepLabV3MobileNetV2):
    """DeepLabV3 on the features of MobileNetV2 at output stride 8: four times the positions, twice the rates.

    Shape, Args, Raises, Differs: as DeepLabV3MobileNetV2.

    Cost: 4,523,541 parameters, 19.0 G MACs at 513 x 513, 21 classes, without attention.
    """

    output_stride = 8


class AtrousPyramid(nn.Module):
    """Atrous spatial pyramid pooling: 1x1, three dilated 3x3, and the mean of the map, joined by a 1x1 convolution.

    Shape: (N, inputs, H, W) to (N, 256, H, W).

    Args:
        size: (H, W); where it is smaller than a rate, the outer weights of that branch see the padding alone.
        rates: the dilations.
    """

    def __init__(self, inputs: int, size: Size, rates: tuple[int, ...]) -> None:
        super().__init__()
        pointwise = convolution(inputs, BRANCH_CHANNELS, kernel_size=1, activation=nn.ReLU)
        dilated = (
            convolution(inputs, BRANCH_CHANNELS, kernel_size=3, dilation=rate, activation=nn.ReLU) for rate in rates
        )
        image = [
            make_mean_pool(size),
            *convolution(inputs, BRANCH_CHANNELS, kernel_size=1, activation=nn.ReLU),
            make_enlargement(size),
        ]
        self.convs = nn.ModuleList(nn.Sequential(*layers) for layers in (pointwise, *dilated, image))
        joined = BRANCH_CHANNELS * len(self.convs)
        self.project = nn.Sequential(
            *convolution(joined, BRANCH_CHANNELS, kernel_size=1, activation=nn.ReLU), nn.Dropout(DROPOUT_FRACTION)
        )

    def forward(self, x: Tensor) -> Tensor:
        joined = torch.cat([branch(x) for branch in self.convs], dim=1)  # (N, 1280, H, W)
        projected: Tensor = self.project(joined)
        return projected


def make_enlargement(size: Size) -> nn.Module:
    """Bilinear to a fixed size, with half-pixel centres."""
    return nn.Upsample(size=size, mode="bilinear", align_corners=False)
