"""Parameters and MACs of a network in torch, before a converter changes anything."""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from pocketbench.blocks.model_runs import draw_input, run_on
from pocketbench.core.records import ModelFacts

# What convolutions, linear layers and products of matrices, such as those of attention between positions, come down to.
COUNTED_OPERATORS = (
    torch.ops.aten.convolution,
    torch.ops.aten.mm,
    torch.ops.aten.addmm,
    torch.ops.aten.bmm,
    torch.ops.aten.baddbmm,
)
FLOPS_PER_MAC = 2


def count_model_facts(model: nn.Module, input_shape: tuple[int, ...]) -> ModelFacts:
    """All parameters, and the MACs of every convolution, linear layer and matrix product in a run on `input_shape`.

    A layer that is applied twice counts twice in MACs and once in parameters. Padding counts as in the formula
    k k C_in C_out H_out W_out / groups. ECA counts as its convolution over channels, k C.

    Args:
        input_shape: with the batch: MACs are those of the whole batch.

    Raises:
        UsageError: when the shape is none.
        ModelFault: when the network does not run on a float32 input of that shape.
    """
    example = draw_input(input_shape, torch.Generator().manual_seed(0))
    with FlopCounterMode(display=False) as counter:
        run_on(model, example)
    flops = counter.get_flop_counts().get("Global", {})
    return ModelFacts(
        parameter_count=sum(parameter.numel() for parameter in model.parameters()),
        mac_count=sum(flops.get(operator, 0) for operator in COUNTED_OPERATORS) // FLOPS_PER_MAC,
    )
