"""SSDLite on MobileNetV2 with a slot for attention.

Liu et al.: "SSD: Single Shot MultiBox Detector", ECCV 2016, arXiv:1512.02325, with the separable predictors of Sandler
et al.: "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018, arXiv:1801.04381. The layers are those of
the detection code of MobileNeXt and of coordinate attention (ssdlite-pytorch).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pocketbench.blocks.arguments import check_map
from pocketbench.blocks.backbones.convolutions import convolution, initialise_weights
from pocketbench.blocks.backbones.inverted_residual import InvertedResidual
from pocketbench.blocks.backbones.mobilenet_v2 import head_channels, make_features
from pocketbench.blocks.backbones.sizes import check_arguments, halve
from pocketbench.blocks.backbones.slots import make_slot
from pocketbench.blocks.factory import DEFAULT_GATE

FIRST_STRIDE = 16
# expanded channels, channels; each halves the map.
EXTRA_LAYERS = ((256, 512), (256, 256), (128, 256), (128, 64))
BOXES_PER_POSITION = (6, 6, 6, 6, 6, 4)
BOX_NUMBERS = 4


class SSDLiteMobileNetV2(nn.Module):
    """SSDLite: six maps from stride 16 on, and on each the boxes and their classes; the attention is MobileNetV2's.

    The four layers behind MobileNetV2 have the slot too. Default boxes, decoding and suppression of overlaps are no
    part of the network.

    Shape: (N, C, H, W) to box regressions (N, boxes, 4) and class scores (N, boxes, class_count), for the C, H and W of
    `input_shape` alone. Boxes are ordered by map, row, column and default box: 3232 for 320 x 320.

    Args:
        input_shape: (N, C, H, W); below 320 x 320 the last maps have one position each.
        class_count: classes of a box, the background among them: 81 for COCO, 21 for Pascal VOC.
        width_ratio: factor on the channels of MobileNetV2; those of the four layers behind it stay.
        block: the name of an attention block, None for none.
        reduction: of the block; None for its paper's default.
        gate: of the block.

    Raises:
        UsageError: for an argument out of range, and at run time for an input of another shape.

    Differs: no biases in the convolutions that a BatchNorm follows.
    Cost: 4,299,338 parameters, 748.2 M MACs at 320 x 320, 81 classes, without attention.
    """

    def __init__(
        self,
        *,
        input_shape: tuple[int, ...] = (1, 3, 320, 320),
        class_count: int = 81,
        width_ratio: float = 1.0,
        block: str | None = None,
        reduction: int | None = None,
        gate: str = DEFAULT_GATE,
    ) -> None:
        super().__init__()
        check_arguments("SSDLite", input_shape, class_count, width_ratio)
        _, self.in_channels, height, width = input_shape
        self.size = (height, width)
        slot = make_slot(block, reduction, gate)
        self.features, shapes = make_features(input_shape, width_ratio, slot)
        self.first_index = max(index for index, shape in enumerate(shapes) if shape.stride == FIRST_STRIDE)
        channels, size = head_channels(width_ratio), shapes[-1].size
        self.conv = nn.Sequential(*convolution(shapes[-1].channels, channels, kernel_size=1))

        maps = [shapes[self.first_index].channels, channels]
        self.extras = nn.ModuleList()
        for hidden, outputs in EXTRA_LAYERS:
            size = halve(size)
            self.extras.append(InvertedResidual(channels, hidden, outputs, 2, slot(hidden, size)))
            channels = outputs
            maps.append(channels)
        self.box_heads = make_heads(maps, BOX_NUMBERS)
        self.class_heads = make_heads(maps, class_count)
        self.class_count = class_count
        initialise_weights(self)
        for head in (*self.box_heads.modules(), *self.class_heads.modules()):
            if isinstance(head, nn.Conv2d):
                nn.init.xavier_uniform_(head.weight)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        check_map(x, self.in_channels, self.size)
        maps = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index == self.first_index:
                maps.append(x)
        x = self.conv(x)
        maps.append(x)
        for layer in self.extras:
            x = layer(x)
            maps.append(x)
        boxes = predict(maps, self.box_heads, BOX_NUMBERS)  # (N, boxes, 4)
        scores = predict(maps, self.class_heads, self.class_count)  # (N, boxes, class_count)
        return boxes, scores


def make_heads(channels: list[int], numbers: int) -> nn.ModuleList:
    """For each map a separable convolution to so many numbers a box; for the last, of one position, 1x1 alone."""
    heads = nn.ModuleList()
    for index, (inputs, boxes) in enumerate(zip(channels, BOXES_PER_POSITION, strict=True)):
        is_last = index == len(channels) - 1
        depthwise = [] if is_last else convolution(inputs, inputs, kernel_size=3, groups=inputs)
        heads.append(nn.Sequential(*depthwise, nn.Conv2d(inputs, boxes * numbers, 1)))
    return heads


def predict(maps: list[Tensor], heads: nn.ModuleList, numbers: int) -> Tensor:
    """All boxes of all maps. Shape: (N, boxes, numbers)."""
    found = [head(x).permute(0, 2, 3, 1) for x, head in zip(maps, heads, strict=True)]  # (N, H, W, boxes * numbers)
    return torch.cat([x.reshape(x.shape[0], -1, numbers) for x in found], dim=1)
