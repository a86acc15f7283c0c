"""BN-Inception (Inception-v2 of the paper on batch normalisation) with a slot for attention.

Ioffe, Szegedy: "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift", ICML
2015, arXiv:1502.03167. Channels and biases are those of the published Caffe network and its port, bninception in
Cadene/pretrained-models.pytorch.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from pocketbench.blocks.arguments import check_map
from pocketbench.blocks.backbones.sizes import Size, check_arguments, halve, round_channels
from pocketbench.blocks.backbones.slots import make_slot
from pocketbench.blocks.factory import DEFAULT_GATE


class Inception(NamedTuple):
    """The channels of a module. `one` and `projection` are None in the two modules that halve the map: these have no
    1x1 branch, and their pooled map goes through as it is."""

    name: str
    one: int | None
    three: tuple[int, int]
    double: tuple[int, int]
    projection: int | None


MODULES = (
    Inception("3a", 64, (64, 64), (64, 96), 32),
    Inception("3b", 64, (64, 96), (64, 96), 64),
    Inception("3c", None, (128, 160), (64, 96), None),
    Inception("4a", 224, (64, 96), (96, 128), 128),
    Inception("4b", 192, (96, 128), (96, 128), 128),
    Inception("4c", 160, (128, 160), (128, 160), 128),
    Inception("4d", 96, (128, 192), (160, 192), 128),
    Inception("4e", None, (128, 192), (192, 256), None),
    Inception("5a", 352, (192, 320), (160, 224), 128),
    Inception("5b", 352, (192, 320), (192, 224), 128),
)
LAST = "5b"
"""The module that pools by maxima; the others of stride 1 take means."""

STEM_CHANNELS = (64, 64, 192)

# Where the port's layers stand here; each has its BatchNorm behind it.
STEM_NAMES = {"conv1_7x7_s2": 0, "conv2_3x3_reduce": 4, "conv2_3x3": 7}
BRANCH_NAMES = {
    "1x1": ("one", 0),
    "3x3_reduce": ("three", 0),
    "3x3": ("three", 3),
    "double_3x3_reduce": ("double_three", 0),
    "double_3x3_1": ("double_three", 3),
    "double_3x3_2": ("double_three", 6),
    "pool_proj": ("pool", 1),
}


class BNInception(nn.Module):
    """BN-Inception; the attention stands behind each of the ten inception modules, as in SE-BN-Inception.

    Shape: (N, C, H, W) to (N, class_count), for the C, H and W of `input_shape` alone.

    Args:
        input_shape: (N, C, H, W); H and W need not be multiples of 32.
        class_count: outputs of the classifier.
        width_ratio: factor on the channels of each layer.
        block: the name of an attention block, None for none.
        reduction: of the block; None for its paper's default.
        gate: of the block; that of SE-BN-Inception is "sigmoid".

    Raises:
        UsageError: for an argument out of range, and at run time for an input of another shape.

    Source: figure 5 of the paper; the place of the attention is that of Hu et al., arXiv:1709.01507, figure 2. The
        weights of bninception load.
    Differs: maps of odd size are pooled with a border on both sides, where the port would lose a row: every stage has
        half the positions of the one before, rounded up.
    Cost: 11,295,240 parameters, those of bninception, and 2,033 M MACs at width 1.0, 224 x 224, 1000 classes;
        11,941,638 and 2,033 M with "se", ratio 16, whose file the authors of SE give as 46 MB (of 2^20 bytes).
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
        check_arguments("BN-Inception", input_shape, class_count, width_ratio)
        _, self.in_channels, height, width = input_shape
        self.size = (height, width)
        attention = make_slot(block, reduction, gate, own_activation=nn.ReLU)

        first, second, channels = (round_channels(count * width_ratio, 8) for count in STEM_CHANNELS)
        half, quarter = halve(self.size), halve(halve(self.size))
        self.stem = nn.Sequential(
            *convolution(self.in_channels, first, kernel_size=7, stride=2),
            make_halving_pool(half),
            *convolution(first, second, kernel_size=1),
            *convolution(second, channels, kernel_size=3),
            make_halving_pool(quarter),
        )
        size = halve(quarter)
        modules: list[nn.Module] = []
        for kind in MODULES:
            module = InceptionModule(channels, kind, width_ratio, size)
            channels = module.out_channels
            size = halve(size) if kind.one is None else size
            modules += [module, nn.Sequential(*attention(channels, size))]
        self.inceptions = nn.Sequential(*modules)
        self.pool = nn.AvgPool2d(size)
        self.classifier = nn.Linear(channels, class_count)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        self.register_load_state_dict_pre_hook(rename_ported_weights)  # type: ignore[no-untyped-call]

    def features(self, x: Tensor) -> Tensor:
        """The last map, of a size that is a 32nd of the input's, rounded up."""
        last: Tensor = self.inceptions(self.stem(x))
        return last

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.in_channels, self.size)
        x = self.pool(self.features(x)).flatten(1)  # (N, 1024)
        scores: Tensor = self.classifier(x)  # (N, class_count)
        return scores


class InceptionModule(nn.Module):
    """A 1x1 convolution, a 3x3, two 3x3 in turn and a pool, side by side, their channels joined.

    Shape: (N, inputs, H, W) to (N, out_channels, H, W), or half of H and W, rounded up.
    """

    def __init__(self, inputs: int, kind: Inception, width_ratio: float, size: Size) -> None:
        super().__init__()

        def scale(channels: int) -> int:
            return round_channels(channels * width_ratio, 8)

        stride = 2 if kind.one is None else 1
        (reduce, three), (double_reduce, double) = map(scale, kind.three), map(scale, kind.double)
        branches: dict[str, list[nn.Module]] = {}
        if kind.one is not None:
            branches["one"] = convolution(inputs, scale(kind.one), kernel_size=1)
        branches["three"] = [
            *convolution(inputs, reduce, kernel_size=1),
            *convolution(reduce, three, kernel_size=3, stride=stride),
        ]
        branches["double_three"] = [
            *convolution(inputs, double_reduce, kernel_size=1),
            *convolution(double_reduce, double, kernel_size=3),
            *convolution(double, double, kernel_size=3, stride=stride),
        ]
        if kind.projection is None:
            branches["pool"] = [make_halving_pool(size)]
        else:
            pool = nn.MaxPool2d(3, 1, 1) if kind.name == LAST else nn.AvgPool2d(3, 1, 1)
            branches["pool"] = [pool, *convolution(inputs, scale(kind.projection), kernel_size=1)]
        self.branches = nn.ModuleDict({name: nn.Sequential(*layers) for name, layers in branches.items()})
        last = inputs if kind.projection is None else scale(kind.projection)
        self.out_channels = (scale(kind.one) if kind.one is not None else 0) + three + double + last

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches.values()], 1)


def convolution(inputs: int, outputs: int, *, kernel_size: int, stride: int = 1) -> list[nn.Module]:
    """Convolution with a bias, as the published network has it, BatchNorm and ReLU."""
    return [
        nn.Conv2d(inputs, outputs, kernel_size, stride, kernel_size // 2),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    ]


def make_halving_pool(size: Size) -> nn.MaxPool2d:
    """The maximum over 3x3 at every second position: an even side ends with a window that is cut off, as in the port;
    an odd one has a border on both sides."""
    return nn.MaxPool2d(3, 2, padding=(size[0] % 2, size[1] % 2), ceil_mode=True)


def rename_ported_weights(_module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """Rename the layers of bninception: inception_3a_3x3_bn.weight, conv1_7x7_s2.bias, last_linear.weight."""
    numbers = {module.name: 2 * index for index, module in enumerate(MODULES)}
    for name in list(state_dict):
        path, kind = name.removeprefix(prefix).rsplit(".", 1) if "." in name else ("", name)
        norm, layer = path.endswith("_bn"), path.removesuffix("_bn")
        stage, branch = layer.removeprefix("inception_")[:2], layer.removeprefix("inception_")[3:]
        if layer == "last_linear":
            ours = "classifier"
        elif layer in STEM_NAMES:
            ours = f"stem.{STEM_NAMES[layer] + norm}"
        elif stage in numbers and branch in BRANCH_NAMES:
            side, place = BRANCH_NAMES[branch]
            ours = f"inceptions.{numbers[stage]}.branches.{side}.{place + norm}"
        else:
            continue
        state_dict[f"{prefix}{ours}.{kind}"] = state_dict.pop(name)
