"""CBAM: channel attention, then spatial attention; each stands alone too.

Woo, Park, Lee, Kweon: "CBAM: Convolutional Block Attention Module", ECCV 2018, arXiv:1807.06521.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from pocketbench.blocks.arguments import check_channels, check_map, check_reduction, check_size
from pocketbench.blocks.attention.mean_pool import make_mean_pool
from pocketbench.blocks.gates import make_gate

KERNEL_SIZE = 7
OFFICIAL_BATCH_NORM_EPSILON = 1e-5


class ChannelAttention(nn.Module):
    """Scale each channel by a gate of all means and maxima: x * gate(mlp(mean(x)) + mlp(max(x))).

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts.
        reduction: r; the hidden layer of the shared mlp has C // r channels.
        gate: "hard_sigmoid" or "sigmoid".

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: equation 2 of the paper; its ratio is 16. The weights of the official ChannelGate load.
    Differs: the default gate is hard.
    Cost: 2 C (C // r) + C // r + C parameters, 4 C (C // r) MACs (the mlp counted for each pool).
    """

    def __init__(
        self, channels: int, size: tuple[int, int], *, reduction: int = 16, gate: str = "hard_sigmoid"
    ) -> None:
        super().__init__()
        check_channels(channels)
        check_reduction(reduction, channels)
        self.channels, self.size = channels, check_size(size)
        hidden = channels // reduction
        self.mean_pool = make_mean_pool(size)
        self.max_pool = nn.MaxPool2d(size)
        self.mlp = nn.Sequential(nn.Conv2d(channels, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, channels, 1))
        self.gate = make_gate(gate)
        self.register_load_state_dict_pre_hook(adapt_official_mlp)  # type: ignore[no-untyped-call]

    def forward(self, x: Tensor) -> Tensor:
        check_map(x, self.channels, self.size)
        scores = self.mlp(self.mean_pool(x)) + self.mlp(self.max_pool(x))  # (N, C, 1, 1)
        scaled: Tensor = x * self.gate(scores)
        return scaled


class SpatialAttention(nn.Module):
    """Scale each position by a gate of its neighbourhood: x * gate(conv7x7([mean over C; max over C])).

    Shape: (N, C, H, W) to the same, for any C, H and W.

    Args:
        gate: "hard_sigmoid" or "sigmoid".

    Source: equation 3 of the paper. The weights of the official SpatialGate load.
    Differs: the official code has a BatchNorm of one channel after the convolution, which the paper does not; it is
        folded into weight and bias when official weights are loaded. The default gate is hard.
    Cost: 99 parameters, 98 H W MACs.
    """

    def __init__(self, *, gate: str = "hard_sigmoid") -> None:
        super().__init__()
        self.conv = SplitConvolution(2, 1, KERNEL_SIZE, padding=KERNEL_SIZE // 2)
        self.gate = make_gate(gate)
        self.register_load_state_dict_pre_hook(fold_official_convolution)  # type: ignore[no-untyped-call]

    def forward(self, x: Tensor) -> Tensor:
        mean, maximum = x.mean(1, keepdim=True), x.amax(1, keepdim=True)  # (N, 1, H, W)
        scaled: Tensor = x * self.gate(self.conv(mean, maximum))
        return scaled


class SplitConvolution(nn.Conv2d):
    """A convolution of two maps without concatenating them: one convolution each, summed.

    Shape: (N, 1, H, W) twice to (N, 1, H, W).
    """

    def forward(self, first: Tensor, second: Tensor) -> Tensor:  # type: ignore[override]
        of_first: Tensor = self._conv_forward(first, self.weight[:, :1], self.bias)
        of_second: Tensor = self._conv_forward(second, self.weight[:, 1:], None)
        return of_first + of_second


class CBAM(nn.Module):
    """Channel attention, then spatial attention on its result.

    Shape: (N, C, H, W) to the same.

    Args:
        channels: C.
        size: (H, W), the one map size that the block accepts.
        reduction: r of the channel attention.
        gate: "hard_sigmoid" or "sigmoid", for both.

    Raises:
        UsageError: for an argument out of range, and at run time for a map of another shape.

    Source: equation 1 of the paper. The weights of the official CBAM load.
    Differs: as its two parts.
    Cost: the sum of its two parts.
    """

    def __init__(
        self, channels: int, size: tuple[int, int], *, reduction: int = 16, gate: str = "hard_sigmoid"
    ) -> None:
        super().__init__()
        self.channels, self.size = channels, check_size(size)
        self.channel = ChannelAttention(channels, size, reduction=reduction, gate=gate)
        self.spatial = SpatialAttention(gate=gate)
        self.register_load_state_dict_pre_hook(rename_official_parts)  # type: ignore[no-untyped-call]

    def forward(self, x: Tensor) -> Tensor:
        refined: Tensor = self.spatial(self.channel(x))
        return refined


def rename_official_parts(_module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """Rename the official ChannelGate and SpatialGate to channel and spatial."""
    for official, ours in (("ChannelGate.", "channel."), ("SpatialGate.", "spatial.")):
        for name in [name for name in state_dict if name.startswith(prefix + official)]:
            state_dict[prefix + ours + name.removeprefix(prefix + official)] = state_dict.pop(name)


def adapt_official_mlp(_module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """Turn the official linear layers mlp.1 and mlp.3 into the 1x1 convolutions mlp.0 and mlp.2."""
    for official, ours in ((1, 0), (3, 2)):
        for kind in ("weight", "bias"):
            old, new = f"{prefix}mlp.{official}.{kind}", f"{prefix}mlp.{ours}.{kind}"
            if old in state_dict and new not in state_dict:
                value = state_dict.pop(old)
                state_dict[new] = value[:, :, None, None] if value.ndim == 2 else value


def fold_official_convolution(_module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """Fold the official spatial.conv, over [max; mean] and without bias, and its spatial.bn into conv."""
    official = f"{prefix}spatial."
    names = ("conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")
    if not all(official + name in state_dict for name in names):
        return
    weight, gamma, beta, mean, variance = (state_dict.pop(official + name) for name in names)
    state_dict.pop(f"{official}bn.num_batches_tracked", None)
    scale = gamma / torch.sqrt(variance + OFFICIAL_BATCH_NORM_EPSILON)
    state_dict[f"{prefix}conv.weight"] = weight.flip(1) * scale
    state_dict[f"{prefix}conv.bias"] = beta - mean * scale
