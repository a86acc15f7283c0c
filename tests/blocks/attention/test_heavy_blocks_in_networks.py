"""A network with random weights shows that it has the block: what the block adds varies, and the output needs it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from pocketbench.blocks.build import build_model
from pocketbench.blocks.catalog import BLOCKS
from pocketbench.core.records import ModelSpec

pytestmark = pytest.mark.slow

# sc pools 4 x 4 positions of the last maps
SIDES = {
    "aa": 64,
    "non_local": 64,
    "a2": 64,
    "sc": 128,
    "gsop": 64,
    "cc": 64,
    "strip": 64,
    "ema": 64,
    "lsk": 64,
    "lka": 64,
}


@pytest.mark.parametrize("name", SIDES)
def test_the_block_counts_in_a_network_of_random_weights(name: str) -> None:
    shape = (1, 3, SIDES[name], SIDES[name])
    model = build_model(
        ModelSpec(backbone="mobilenet_v2", block=name, width_ratio=0.5, class_count=10, input_shape=shape)
    )
    kind = BLOCKS.load(name)
    blocks = [module for module in model.modules() if isinstance(module, kind)]
    assert len(blocks) == 16
    changes: list[Tensor] = []

    def record(_module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        changes.append((output - inputs[0]).abs().mean() / inputs[0].abs().mean())

    def leave_out(_module: nn.Module, inputs: tuple[Tensor], _output: Tensor) -> Tensor:
        return inputs[0]

    images = torch.randn(4, *shape[1:], generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        hooks = [block.register_forward_hook(record) for block in blocks]
        output = model(images)
        for hook in hooks:
            hook.remove()
        spread = (output - output.mean(0)).square().mean().sqrt()
        assert spread > 0.01 * output.square().mean().sqrt()
        for block in (blocks[0], blocks[7], blocks[-1]):
            hook = block.register_forward_hook(leave_out)
            assert (model(images) - output).abs().max() > 0.01 * spread
            hook.remove()
    assert min(changes) > 0.01
