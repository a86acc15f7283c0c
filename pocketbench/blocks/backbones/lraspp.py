"""Lite R-ASPP on MobileNetV2 with a slot for attention.

Howard et al.: "Searching for MobileNetV3", ICCV 2019, arXiv:1905.02244, section 6.4.
"""

from __future__ import annotations

from torch import Tensor, nn

from pocketbench.blocks.arguments import check_map
from pocketbench.blocks.attention.mean_pool import make_mean_pool
from pocketbench.blocks.backbones.convolutions import convolution, initialise_weights
from pocketbench.blocks.backbones.deeplab import make_enlargement
from pocketbench.blocks.backbones.mobilenet_v2 import make_features
from pocketbench.blocks.backbones.sizes import MapShape, check_arguments
from pocketbench.blocks.backbones.slots import make_slot
from pocketbench.blocks.factory import DEFAULT_GATE

OUTPUT_STRIDE = 16
LOW_STRIDE = 8
BRANCH_CHANNELS = 128


class LiteRASPPMobileNetV2(nn.Module):
    """Lite R-ASPP on the features of MobileNetV2 at output stride 16; their attention is MobileNetV2's.

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

    Source: figure 10 of the paper; the names of the head's weights are torchvision's, those of the features' weights
        MobileNetV2's, so that its trained ones load.
    Differs: the gate of the head sees the mean of the whole map, as in torchvision; the paper pools 49 x 49 positions.
    Cost: 1,897,290 parameters, 2.6 G MACs at 513 x 513, 21 classes, without attention.
    """

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
        check_arguments("Lite R-ASPP", input_shape, class_count, width_ratio)
        _, self.in_channels, height, width = input_shape
        self.size = (height, width)
        slot = make_slot(block, reduction, gate)
        self.features, shapes = make_features(input_shape, width_ratio, slot, output_stride=OUTPUT_STRIDE)
        self.low_index = max(index for index, shape in enumerate(shapes) if shape.stride == LOW_STRIDE)
        self.head = LiteRASPPHead(shapes[self.low_index], shapes[-1], class_count)
        self.enlarge = make_enlargement(self.size)
        initialise_weights(self)

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.in_channels, self.size)
        low = x
        for index, layer in enumerate(self.features):
            x = layer(x)
            low = x if index == self.low_index else low
        scores: Tensor = self.enlarge(self.head(low, x))  # (N, class_count, H, W)
        return scores


class LiteRASPPHead(nn.Module):
    """Scores of both maps, added: low_classifier(low) + high_classifier(enlarge(cbr(high) * scale(high))).

    Shape: (N, C1, H1, W1) and (N, C2, H2, W2) to (N, class_count, H1, W1).
    """

    def __init__(self, low: MapShape, high: MapShape, class_count: int) -> None:
        super().__init__()
        self.cbr = nn.Sequential(*convolution(high.channels, BRANCH_CHANNELS, kernel_size=1, activation=nn.ReLU))
        self.scale = nn.Sequential(
            make_mean_pool(high.size), nn.Conv2d(high.channels, BRANCH_CHANNELS, 1, bias=False), nn.Sigmoid()
        )
        self.enlarge = make_enlargement(low.size)
        self.low_classifier = nn.Conv2d(low.channels, class_count, 1)
        self.high_classifier = nn.Conv2d(BRANCH_CHANNELS, class_count, 1)

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        gated = self.cbr(high) * self.scale(high)  # (N, 128, H2, W2)
        scores: Tensor = self.low_classifier(low) + self.high_classifier(self.enlarge(gated))
        return scores
