"""Efficient multi-scale attention without its 3x3 convolution of all channels, and without moving groups of channels.

The block gates a group by softmax(mean(y))^T z + softmax(mean(z))^T y, z = conv3x3(x), y = gn(...).

- mean(y) is gn's shift: the first softmax is constant, and conv3x3 shrinks to one filter a group.
- mean(z) is conv3x3 applied to the means of the nine shifted maps.
- y enters a sum over channels alone: gn is a factor and a shift of each channel there.

All groups have the same weights. A layer over the map repeats them, in as many groups; conv3x3, whose weights are many
and whose input is nine means, takes the groups as a batch.

Against the block as it is trained, on one x86 core, at 144 channels of 56 x 56, 384 of 14 x 14 and 960 of 7 x 7: 0.58,
0.32 and 0.22 of its time in LiteRT, 0.28, 0.51 and 0.43 in onnxruntime.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pocketbench.blocks.attention.multi_scale import EfficientMultiScaleAttention
from pocketbench.blocks.lowering.rule import Rule
from pocketbench.blocks.lowering.site import Form, Site
from pocketbench.core.targets import FORM_TARGETS


class MergedMultiScaleAttention(nn.Module):
    """The weights of an EfficientMultiScaleAttention in the form above.

    Shape: (N, C, H, W) to the same.

    Cost: 11 C H W + (H + W + 9) C m MACs, m the channels of a group.
    """

    scale: Tensor
    shift: Tensor

    @torch.no_grad()
    def __init__(self, block: EfficientMultiScaleAttention) -> None:
        super().__init__()
        self.size, self.channels, self.groups, self.width = block.size, block.channels, block.groups, block.width
        self.pool_h, self.pool_w, self.mean, self.gate = block.pool_h, block.pool_w, block.mean, block.gate
        self.eps = block.gn.eps
        weight, bias = block.conv3x3.weight, block.conv3x3.bias
        assert bias is not None
        share = block.gn.bias.softmax(0)  # (m,)
        merged = (share.reshape(-1, 1, 1, 1) * weight).sum(0, keepdim=True)  # (1, m, 3, 3)
        self.of_z = self.repeat_layer(merged, (share * bias).sum().reshape(1), padding=1)
        self.mean_z = nn.Conv2d(self.width, self.width, 3, dtype=weight.dtype)
        self.mean_z.load_state_dict(block.conv3x3.state_dict())
        self.strip = self.repeat_layer(block.conv1x1.weight, block.conv1x1.bias)
        self.total = self.repeat_layer(weight.new_ones(1, self.width, 1, 1))
        self.spread = self.repeat_layer(weight.new_ones(self.width, 1, 1, 1))
        self.register_buffer("scale", block.gn.weight.repeat(self.groups).reshape(1, -1, 1, 1))
        self.register_buffer("shift", block.gn.bias.repeat(self.groups).reshape(1, -1, 1, 1))

    def repeat_layer(self, weight: Tensor, bias: Tensor | None = None, padding: int = 0) -> nn.Conv2d:
        """The same convolution in each group."""
        outputs, inputs, *kernel = weight.shape
        layer = nn.Conv2d(
            inputs * self.groups,
            outputs * self.groups,
            (kernel[0], kernel[1]),
            padding=padding,
            groups=self.groups,
            bias=bias is not None,
            dtype=weight.dtype,
        )
        layer.weight.copy_(weight.repeat(self.groups, 1, 1, 1))
        if bias is not None and layer.bias is not None:
            layer.bias.copy_(bias.repeat(self.groups))
        return layer

    def forward(self, x: Tensor) -> Tensor:
        gates: Tensor = self.spread(self.gate(self.score(x)))  # (N, C, H, W)
        return x * gates

    def score(self, x: Tensor) -> Tensor:
        """What the gate of each group takes. Shape: (N, C, H, W) to (N, G, H, W)."""
        means = self.mean_shifted(x).reshape(-1, self.width, 3, 3)  # (N G, m, 3, 3)
        shares = self.mean_z(means).softmax(1).reshape(-1, self.channels, 1, 1)
        y = x * (self.gate(self.strip(self.pool_h(x))) * self.gate(self.strip(self.pool_w(x))))
        deviations = y - self.mean(y)
        variances = self.mean(deviations * deviations)  # (N, C, 1, 1)
        factors = shares * (self.scale / torch.sqrt(variances + self.eps))
        score: Tensor = self.of_z(x) + self.total(deviations * factors) + self.total(shares * self.shift)
        return score

    def mean_shifted(self, x: Tensor) -> Tensor:
        """The mean over each of the nine shifts of the map by up to one position. Shape: to (N, C, 3, 3)."""
        return slide_mean(slide_mean(x, 3), 2)


def slide_mean(x: Tensor, axis: int) -> Tensor:
    """The mean along an axis of the map, of the map shifted by -1, 0 and 1, zeros moving in.

    Shape: (N, C, H, W) to (N, C, H, 3) for axis 3, (N, C, 3, W) for axis 2.
    """
    length = x.shape[axis]
    window, margin = ((1, length), (0, 1)) if axis == 3 else ((length, 1), (1, 0))
    if length == 1:  # a pool can't be padded by as much as its window
        return functional.pad(x, (margin[1], margin[1], margin[0], margin[0]))
    return functional.avg_pool2d(x, window, 1, margin)


def merge(site: Site) -> nn.Module:
    assert isinstance(site.block, EfficientMultiScaleAttention)
    return MergedMultiScaleAttention(site.block)


MERGED = Form(name="one filter a group", build=merge)

EMA_RULES: tuple[Rule, ...] = (
    Rule(
        targets=FORM_TARGETS,
        kinds=("ema",),
        form=MERGED,
        reason="its 3x3 convolution of all channels of a group becomes one filter a group",
    ),
)
