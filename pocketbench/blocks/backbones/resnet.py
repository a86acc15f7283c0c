"""ResNet and ResNeXt with a slot for attention.

He, Zhang, Ren, Sun: "Deep Residual Learning for Image Recognition", CVPR 2016, arXiv:1512.03385.
Xie, Girshick, Dollar, Tu, He: "Aggregated Residual Transformations for Deep Neural Networks", CVPR 2017,
arXiv:1611.05431.
"""

from __future__ import annotations

from torch import Tensor, nn

from pocketbench.blocks.arguments import check_map
from pocketbench.blocks.backbones.residual_block import (
    ResidualBlock,
    make_basic_convolutions,
    make_bottleneck_convolutions,
)
from pocketbench.blocks.backbones.sizes import check_arguments, halve, round_channels
from pocketbench.blocks.backbones.slots import make_slot
from pocketbench.blocks.factory import DEFAULT_GATE

STEM_CHANNELS = 64
STAGE_CHANNELS = (64, 128, 256, 512)
EXPANSION = 4
GROUPS = 32
CHANNELS_OF_64_A_GROUP = 4


class ResNet(nn.Module):
    """What the four below share: stem, four stages of residual blocks, mean, classifier.

    Shape: (N, C, H, W) to (N, class_count), for the C, H and W of `input_shape` alone.

    Args:
        input_shape: (N, C, H, W); H and W need not be multiples of 32.
        class_count: outputs of the classifier.
        width_ratio: factor on the channels of each layer.
        block: the name of an attention block, None for none; it stands behind the last BatchNorm of the residual
            branch, before the addition, as in SE-ResNet (Hu et al., arXiv:1709.01507, figure 3).
        reduction: of the block; None for its paper's default.
        gate: of the block; that of SE-ResNet is "sigmoid".

    Raises:
        UsageError: for an argument out of range, and at run time for an input of another shape.
    """

    repeats: tuple[int, int, int, int]
    has_bottlenecks = True
    groups = 1

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
        check_arguments(type(self).__name__, input_shape, class_count, width_ratio)
        _, self.in_channels, height, width = input_shape
        self.size = (height, width)
        attention = make_slot(block, reduction, gate, own_activation=nn.ReLU)

        channels = round_channels(STEM_CHANNELS * width_ratio, 8)
        self.conv1 = nn.Conv2d(self.in_channels, channels, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.act = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        size = halve(halve(self.size))
        for number, (stage_channels, repeats) in enumerate(zip(STAGE_CHANNELS, self.repeats, strict=True), 1):
            planes = round_channels(stage_channels * width_ratio, 8)
            outputs = planes * EXPANSION if self.has_bottlenecks else planes
            size = halve(size) if number > 1 else size
            blocks = []
            for index in range(repeats):
                stride = 2 if index == 0 and number > 1 else 1
                convolutions = self.make_convolutions(channels, planes, outputs, stride)
                blocks.append(ResidualBlock(convolutions, attention(outputs, size), stride))
                channels = outputs
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
        self.avgpool = nn.AvgPool2d(size)
        self.fc = nn.Linear(channels, class_count)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def make_convolutions(self, inputs: int, planes: int, outputs: int, stride: int) -> list[nn.Conv2d]:
        if not self.has_bottlenecks:
            return make_basic_convolutions(inputs, outputs, stride)
        hidden = planes
        if self.groups > 1:
            hidden = self.groups * max(1, planes * CHANNELS_OF_64_A_GROUP // 64)
        return make_bottleneck_convolutions(inputs, hidden, outputs, stride, self.groups)

    def features(self, x: Tensor) -> Tensor:
        """The last map, of a size that is a 32nd of the input's, rounded up."""
        x = self.maxpool(self.act(self.bn1(self.conv1(x))))
        for number in range(1, len(STAGE_CHANNELS) + 1):
            x = self.get_submodule(f"layer{number}")(x)
        return x

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.in_channels, self.size)
        x = self.avgpool(self.features(x)).flatten(1)  # (N, channels)
        scores: Tensor = self.fc(x)  # (N, class_count)
        return scores


class ResNet18(ResNet):
    """ResNet-18: two basic blocks a stage. See ResNet.

    Differs: with "se" and ratio 16 the hidden layers have C // 16 channels, 4 in the first stage, as in the paper;
        timm's seresnet18 has 8 there, and 1,032 parameters more.
    Cost: 11,689,512 parameters, 1,814 M MACs at width 1.0, 224 x 224, 1000 classes; 11,778,592 with "se", ratio 16.
    """

    repeats = (2, 2, 2, 2)
    has_bottlenecks = False


class ResNet50(ResNet):
    """ResNet-50: 3, 4, 6 and 3 bottlenecks. See ResNet.

    Differs: the stride stands in the 3x3 convolution, as in torchvision and timm, and not in the 1x1 before it: 4.09 G
        MACs, where the paper has 3.86 G. SE-ResNet-50 has the 28.1 M parameters of its paper and 4.09 G MACs, where
        that prints 3.87 G: with the strides moved it has 3.860 G in convolutions and linear layers.
    Cost: 25,557,032 parameters, 4,089 M MACs at width 1.0, 224 x 224, 1000 classes; 28,088,024 with "se", ratio 16.
    """

    repeats = (3, 4, 6, 3)


class ResNeXt50(ResNet):
    """ResNeXt-50 (32x4d): ResNet-50 with 3x3 convolutions in 32 groups of 4, 8, 16 and 32 channels. See ResNet.

    Differs: at another width a group has (planes // 16) channels, at least one.
    Cost: 25,028,904 parameters, 4,230 M MACs at width 1.0, 224 x 224, 1000 classes; 27,559,896 with "se", ratio 16.
    """

    repeats = (3, 4, 6, 3)
    groups = GROUPS


class ResNeXt18(ResNeXt50):
    """ResNeXt-18 (32x4d): the bottlenecks of ResNeXt-50, two a stage. See ResNet.

    Differs: its paper has no network so small, and no block of two convolutions, for which groups would change nothing
        (section 3.3); this one has the repeats of ResNet-18 and, counted in layers, 26.
    Cost: 15,389,480 parameters, 2,471 M MACs at width 1.0, 224 x 224, 1000 classes; 16,790,280 with "se", ratio 16.
    """

    repeats = (2, 2, 2, 2)
