"""Whether a module computes what a block does: with random weights, on maps of many kinds."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import torch
from torch import Generator, Tensor, nn

from pocketbench.blocks.rewriting.families import Family, propose_blocks
from pocketbench.blocks.rewriting.proof import largest_error, tolerance_of

SEEDS = (0, 1)
# Little noise: the maxima of a map are near its means. Much: they are far from them, and ReLUs open and close.
NOISES = (0.02, 0.02, 0.02, 0.02, 0.3, 0.3, 1.0, 1.0, 3.0, 3.0)


def find_equal(module: nn.Module, channels: int, size: tuple[int, int]) -> tuple[int, Family] | None:
    """The first of the blocks proposed for `module` that computes the same, by its number in `propose_blocks`.

    The weights are drawn: with those of a network, gates may be saturated and units dead, where two different blocks
    agree.
    """
    samples = [sample for seed in SEEDS if (sample := Sample.draw(module, channels, size, seed)) is not None]
    if len(samples) < len(SEEDS):
        return None
    proposals: Iterator[tuple[tuple[Family, nn.Module], ...]] = zip(
        *(propose_blocks(sample.module, channels, size) for sample in samples), strict=True
    )
    for index, blocks in enumerate(proposals):
        if all(sample.agrees(block) for sample, (_, block) in zip(samples, blocks, strict=True)):
            return index, blocks[0][0]
    return None


class Sample:
    """A copy of a module with drawn weights, and what it returns for some maps."""

    def __init__(self, module: nn.Module, maps: list[Tensor]) -> None:
        self.module, self.maps = module, maps
        with torch.no_grad():
            # forward: a user's hook on the module is no part of what it computes
            self.expected = [[module.forward(x.clone())] for x in maps]

    @classmethod
    def draw(cls, module: nn.Module, channels: int, size: tuple[int, int], seed: int) -> Sample | None:
        """In float64, or float32 where the module has tensors of that; None where it does not run on such maps."""
        for dtype in (torch.float64, torch.float32):
            generator = Generator().manual_seed(seed)
            copied = copy.deepcopy(module).to(dtype)
            draw_weights(copied, generator)
            try:
                return cls(copied, [draw_map(channels, size, noise, generator).to(dtype) for noise in NOISES])
            except Exception:  # noqa: BLE001  anybody's forward: it may need its network, or another batch
                continue
        return None

    def agrees(self, block: nn.Module) -> bool:
        with torch.no_grad():
            found = [[block(x)] for x in self.maps]
        return largest_error(self.expected, found, to_spread=True) <= tolerance_of(self.maps[0].dtype)


def draw_weights(module: nn.Module, generator: Generator) -> None:
    """Kernels and matrices from N(0, 1 / fan-in); scales and variances 0.5 to 1.5; everything else N(0, 0.5^2)."""
    norms = {name for name, part in module.named_modules() if getattr(part, "running_var", None) is not None}
    with torch.no_grad():
        for name, value in [*module.named_parameters(), *module.named_buffers()]:
            if not value.is_floating_point():
                continue
            owner, _, kind = name.rpartition(".")
            if kind == "running_var" or (owner in norms and kind == "weight"):
                value.copy_(0.5 + torch.rand(value.shape, generator=generator))
            else:
                size = 1 / math.sqrt(value[0].numel()) if value.ndim > 1 else 0.5
                value.copy_(size * torch.randn(value.shape, generator=generator))


def draw_map(channels: int, size: tuple[int, int], noise: float, generator: Generator) -> Tensor:
    """A random mean for each channel, and noise of a size of its own around it. Shape: (1, C, H, W)."""
    means, sizes = torch.randn((2, 1, channels, 1, 1), generator=generator).unbind()
    drawn: Tensor = 2 * means + noise * sizes.exp() * torch.randn((1, channels, *size), generator=generator)
    return drawn
