"""Weights with which a comparison can fail.

A network fresh from its constructor computes nearly the same for every input: BatchNorm's statistics are not those of
its inputs, and gates that start at zero switch their block off (a converter folds such a block away). Here BatchNorm
gets the statistics of random inputs, moved a little so that they are not trivial, and nothing stays at zero.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from pocketbench.blocks.model_runs import draw_input, run_on
from pocketbench.core.errors import ModelFault

CALIBRATION_BATCH = 4
SMALLEST_VARIANCE = 1e-3
# Layers are scaled down to start as good as switched off: ReZero by 0, LayerScale by 1e-6 to 1e-5.
SMALLEST_LIVE_WEIGHT = 1e-4


def randomise_statistics(model: nn.Module, input_shape: tuple[int, ...], generator: Generator) -> None:
    """Draw what initialisation left constant, then calibrate each BatchNorm on random inputs and move it.

    Weights that a layer drew for itself stay. Each BatchNorm's running mean and variance become the mean m and the
    variance v of what it sees for inputs from N(0, 1), moved: m + 0.1 sqrt(v) a, v exp(0.2 b), a and b from N(0, 1).

    Args:
        model: changed in place.
        input_shape: with the batch.
        generator: the only source of randomness.

    Raises:
        UsageError: when the shape is none.
        ModelFault: when the network does not run on an input of that shape.
    """
    draw_constant_parameters(model, generator)
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm) and module.running_mean is not None]
    hooks = [module.register_forward_pre_hook(calibrate) for module in norms]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the last bits of a sum depend on how many threads share it
    try:
        run_on_batch(model, input_shape, generator)
    finally:
        torch.set_num_threads(threads)
        for hook in hooks:
            hook.remove()
    for module in norms:
        move_statistics(module, generator)


def run_on_batch(model: nn.Module, input_shape: tuple[int, ...], generator: Generator) -> None:
    """Run once on a batch or, where the network's batch is fixed, on an input of the shape itself."""
    inputs = draw_input(input_shape, generator)
    more = [draw_input(input_shape, generator) for _ in range(CALIBRATION_BATCH // len(inputs) - 1)]
    try:
        run_on(model, torch.cat([inputs, *more]))
    except ModelFault:
        run_on(model, inputs)


def draw_constant_parameters(model: nn.Module, generator: Generator) -> None:
    """Draw every parameter whose elements are all equal: scales and shifts of normalisations, zero biases and gates."""
    for name, parameter in model.named_parameters():
        if parameter.is_floating_point() and parameter.numel() and is_constant(parameter):
            with torch.no_grad():
                parameter.copy_(draw_around(parameter, name, generator))


def is_constant(parameter: Tensor) -> bool:
    """A single element is constant when it is as good as zero: a learned temperature or slope stays."""
    low, high = (float(bound) for bound in parameter.detach().aminmax())
    if parameter.numel() == 1:
        return abs(high) < SMALLEST_LIVE_WEIGHT
    return low == high or max(abs(low), abs(high)) < SMALLEST_LIVE_WEIGHT


def draw_around(parameter: Tensor, name: str, generator: Generator) -> Tensor:
    """Values for a constant parameter.

    Shifts: the constant plus N(0, 0.2^2). Scales, which have one element a channel: 0.7 to 1.3 times the constant, or
    times 1 where that is as good as zero. Matrices and kernels: N(0, 1 / fan-in).
    """
    constant = float(parameter.detach().flatten()[0])
    if "bias" in name or "beta" in name:
        return constant + 0.2 * torch.randn(parameter.shape, generator=generator)
    if parameter.numel() == max(parameter.shape, default=1):
        live = constant if abs(constant) >= SMALLEST_LIVE_WEIGHT else 1.0
        return live * (0.7 + 0.6 * torch.rand(parameter.shape, generator=generator))
    return torch.randn(parameter.shape, generator=generator) / math.sqrt(parameter[0].numel())


def calibrate(module: nn.Module, inputs: tuple[Any, ...]) -> None:
    """Before a BatchNorm runs: take over the mean and the variance of what it is about to see."""
    assert isinstance(module, _BatchNorm)
    assert module.running_mean is not None
    assert module.running_var is not None
    seen = inputs[0].detach().float()
    axes = [axis for axis in range(seen.ndim) if axis != 1]
    module.running_mean.copy_(seen.mean(axes))
    if seen.numel() > seen.shape[1]:  # one value a channel has no variance
        module.running_var.copy_(seen.var(axes, unbiased=False).clamp(min=SMALLEST_VARIANCE))


def move_statistics(module: _BatchNorm, generator: Generator) -> None:
    assert module.running_mean is not None
    assert module.running_var is not None
    shape = module.running_mean.shape
    spread = module.running_var.sqrt()
    module.running_mean += 0.1 * spread * torch.randn(shape, generator=generator)
    module.running_var *= torch.exp(0.2 * torch.randn(shape, generator=generator))
