"""A network with random weights shows that it has the block: its factors vary, and the output needs it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from pocketbench.blocks.build import build_model
from pocketbench.blocks.catalog import BLOCKS
from pocketbench.core.records import ModelSpec

NAMES = ["bam", "triplet", "ge", "ge_free", "gala", "gc", "simam", "ese", "scse", "ela"]
INPUT_SHAPE = (1, 3, 64, 64)


@pytest.mark.parametrize("name", NAMES)
def test_the_block_counts_in_a_network_of_random_weights(name: str) -> None:
    model = build_model(
        ModelSpec(backbone="mobilenet_v2", block=name, width_ratio=0.35, class_count=10, input_shape=INPUT_SHAPE)
    )
    kind = BLOCKS.load(name)
    factors: list[Tensor] = []

    def record(_module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> None:
        (x,) = inputs
        factors.append((output / x)[x.abs() > 1e-3] if name != "gc" else (output - x).flatten())

    def leave_out(_module: nn.Module, inputs: tuple[Tensor], _output: Tensor) -> Tensor:
        return inputs[0]

    blocks = [module for module in model.modules() if isinstance(module, kind)]
    assert len(blocks) == 16
    images = torch.randn(4, *INPUT_SHAPE[1:], generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        hooks = [block.register_forward_hook(record) for block in blocks]
        output = model(images)
        for hook in hooks:
            hook.remove()
        for block in blocks:
            hook = block.register_forward_hook(leave_out)
            spread = (output - output.mean(0)).square().mean().sqrt()
            assert (model(images) - output).abs().max() > 0.01 * spread
            hook.remove()
    for factor in factors:
        assert factor.isfinite().all()
        assert factor.std() > 0.01
