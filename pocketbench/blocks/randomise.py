"""Weights with which a comparison can fail, and fails for a fault alone.

A network fresh from its constructor proves nothing: BatchNorm's statistics are not those of its inputs, so that the
output hardly depends on the input, and gates that start at zero switch their block off (a converter folds such a block
away). Random statistics alone are no better: each ReLU of a deep random network passes rounding errors on better than
what tells two inputs apart, until an exact float16 file differs as much as a wrong one. Both are cured layer by layer,
from what each layer sees.

Source: Mishkin, Matas: "All you need is a good init", ICLR 2016, arXiv:1511.06422.
"""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor, nn
from torch.nn.modules.conv import _ConvNd

from pocketbench.blocks.layer_fitting import Fitting, draw_between, is_fitted_norm, is_layer
from pocketbench.blocks.model_runs import draw_input, run_on
from pocketbench.core.errors import ModelFault

CALIBRATION_BATCH = 4
# Layers are scaled down to start as good as switched off: ReZero by 0, LayerScale by 1e-6 to 1e-5.
SMALLEST_LIVE_WEIGHT = 1e-4

NORM_SCALES = (0.7, 1.3)
NORM_SHIFTS = (0.7, 1.3)
OTHER_SCALES = (0.7, 1.3)


def randomise_statistics(model: nn.Module, input_shape: tuple[int, ...], generator: Generator) -> None:
    """Draw what initialisation left constant, and fit every layer to what it sees of random inputs.

    BatchNorm: running mean and variance become those of its input, moved a little; scale and shift are drawn from 0.7
    to 1.3, so that a ReLU after it cuts off a sixth.
    Convolutions and linear layers: weights keep the direction their layer drew and are scaled to an output of root
    mean square 1; a bias moves each channel's mean to 0.2 to 1.0, where gates are open and units alive. The mean of
    each kernel over its window is doubled first, or textures drown what tells two inputs apart.

    Args:
        model: changed in place.
        input_shape: with the batch.
        generator: the only source of randomness.

    Raises:
        UsageError: when the shape is none.
        ModelFault: when the network does not run on an input of that shape.
    """
    draw_constant_parameters(model, generator)
    smooth_kernels(model)
    fitting = Fitting(generator)
    hooks = [
        *(module.register_forward_pre_hook(fitting.fit_norm) for module in model.modules() if is_fitted_norm(module)),
        *(module.register_forward_hook(fitting.fit_layer) for module in model.modules() if is_layer(module)),
    ]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the last bits of a sum depend on how many threads share it
    try:
        run_on_batch(model, input_shape, generator, fitting)
    finally:
        torch.set_num_threads(threads)
        for hook in hooks:
            hook.remove()


def run_on_batch(model: nn.Module, input_shape: tuple[int, ...], generator: Generator, fitting: Fitting) -> None:
    """Run once on a batch or, where the network's batch is fixed, on an input of the shape itself."""
    inputs = draw_input(input_shape, generator)
    more = [draw_input(input_shape, generator) for _ in range(CALIBRATION_BATCH // len(inputs) - 1)]
    try:
        run_on(model, torch.cat([inputs, *more]))
    except ModelFault:
        fitting.fitted.clear()
        run_on(model, inputs)


def smooth_kernels(model: nn.Module) -> None:
    """w + mean of w over the window, for every kernel larger than one position."""
    for module in model.modules():
        if is_layer(module) and isinstance(module, _ConvNd) and math.prod(module.kernel_size) > 1:
            window = list(range(2, module.weight.ndim))
            with torch.no_grad():
                module.weight.add_(module.weight.mean(window, keepdim=True))


def draw_constant_parameters(model: nn.Module, generator: Generator) -> None:
    """Draw every parameter whose elements are all equal, as initialisation leaves norms, biases and closed gates."""
    norms = {id(parameter) for module in model.modules() if is_fitted_norm(module) for parameter in module.parameters()}
    for name, parameter in model.named_parameters():
        if parameter.is_floating_point() and parameter.numel() and is_constant(parameter):
            with torch.no_grad():
                parameter.copy_(draw_around(parameter, name, generator, batch_norm=id(parameter) in norms))


def is_constant(parameter: Tensor) -> bool:
    """A single element is constant when it is as good as zero: a learned temperature or slope stays."""
    low, high = (float(bound) for bound in parameter.detach().aminmax())
    if parameter.numel() == 1:
        return abs(high) < SMALLEST_LIVE_WEIGHT
    return low == high or max(abs(low), abs(high)) < SMALLEST_LIVE_WEIGHT


def draw_around(parameter: Tensor, name: str, generator: Generator, *, batch_norm: bool) -> Tensor:
    """Values for a constant parameter.

    BatchNorm's scales and shifts: see `randomise_statistics`. Other shifts: the constant plus N(0, 0.2^2). Other
    scales, which have one element a channel: 0.7 to 1.3 times the constant, or times 1 where that is as good as zero.
    Matrices and kernels: N(0, 1 / fan-in).
    """
    shape, constant = parameter.shape, float(parameter.detach().flatten()[0])
    shifts = "bias" in name or "beta" in name
    if batch_norm:
        return draw_between(NORM_SHIFTS if shifts else NORM_SCALES, shape, generator)
    if shifts:
        return constant + 0.2 * torch.randn(shape, generator=generator)
    if parameter.numel() == max(shape, default=1):
        live = constant if abs(constant) >= SMALLEST_LIVE_WEIGHT else 1.0
        return live * draw_between(OTHER_SCALES, shape, generator)
    return torch.randn(shape, generator=generator) / math.sqrt(parameter[0].numel())
