"""Weights with which a comparison can fail, and fails for a fault alone.

A network fresh from its constructor proves nothing: BatchNorm's statistics are not those of its inputs, so that the
output hardly depends on the input, and gates that start at zero switch their block off (a converter folds such a block
away). Random statistics alone are no better: each ReLU of a deep random network passes rounding errors on better than
what tells two inputs apart, until an exact float16 file differs from the network as much as a wrong one. Both are
cured layer by layer, from the data, as in the source.

Source: Mishkin, Matas: "All you need is a good init", ICLR 2016, arXiv:1511.06422.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from pocketbench.blocks.model_runs import draw_input, run_on
from pocketbench.core.errors import ModelFault

CALIBRATION_BATCH = 4
SMALLEST_VARIANCE = 1e-3
# Layers are scaled down to start as good as switched off: ReZero by 0, LayerScale by 1e-6 to 1e-5.
SMALLEST_LIVE_WEIGHT = 1e-4

NORM_SCALES = (0.7, 1.3)
NORM_SHIFTS = (0.7, 1.3)
HIGH_FRACTION = 0.06
HIGH_SHIFT = 4.0
SMOOTH = 1.0
BIASED_MEANS = (0.2, 1.0)


def randomise_statistics(model: nn.Module, input_shape: tuple[int, ...], generator: Generator) -> None:
    """Draw what initialisation left constant, and fit every layer to what it sees of random inputs.

    BatchNorm: running mean and variance become those of its input, moved a little; its output has standard deviation
    1.4 to 2.0 around 2.4 to 3.6, so that ReLU and ReLU6 cut off a tenth at the ends and pass the rest.
    Other convolutions and linear layers: the bias moves each channel's mean to 0.2 to 1.0, where gates are open and
    units alive; without bias, the weights are scaled to an output of root mean square 1.

    Args:
        model: changed in place.
        input_shape: with the batch.
        generator: the only source of randomness.

    Raises:
        UsageError: when the shape is none.
        ModelFault: when the network does not run on an input of that shape.
    """
    draw_constant_parameters(model, generator)
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


class Fitting:
    """Hooks that fit a layer when the run reaches it: those before it are fitted already.

    A layer that is applied twice is fitted to the first.
    """

    def __init__(self, generator: Generator) -> None:
        self.generator = generator
        self.fitted: set[nn.Module] = set()

    def fit_norm(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        assert isinstance(module, _BatchNorm)
        assert module.running_mean is not None
        assert module.running_var is not None
        seen = inputs[0].detach().float()
        axes = [axis for axis in range(seen.ndim) if axis != 1]
        mean, variance = seen.mean(axes), torch.ones(seen.shape[1])
        if seen.numel() > seen.shape[1]:  # one value a channel has no variance
            variance = seen.var(axes, unbiased=False).clamp(min=SMALLEST_VARIANCE)
        module.running_mean.copy_(mean + 0.1 * variance.sqrt() * self.draw_normal(mean))
        module.running_var.copy_(variance * torch.exp(0.2 * self.draw_normal(mean)))

    def fit_layer(self, module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        """Scale the weights, shift the bias, and give the output that the layer has now."""
        assert isinstance(module, (nn.Linear, _ConvNd))
        weight, bias = module.weight, module.bias
        if module in self.fitted:
            shrink = 1 / max(1.0, measure_size(output))
            weight.mul_(shrink)
            if bias is not None:
                bias.mul_(shrink)
            return module.forward(*inputs)
        self.fitted.add(module)
        if bias is not None:
            bias.zero_()
            output = module.forward(*inputs)
        weight.div_(max(SMALLEST_LIVE_WEIGHT, measure_size(output)))
        output = module.forward(*inputs)
        if bias is None:
            return output
        channel_axis = output.ndim - 1 if isinstance(module, nn.Linear) else 1
        mean = output.mean([axis for axis in range(output.ndim) if axis != channel_axis])
        bias.copy_(draw_between(BIASED_MEANS, bias.shape, self.generator) - mean)
        return module.forward(*inputs)

    def draw_normal(self, like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=self.generator)


def is_fitted_norm(module: nn.Module) -> bool:
    return isinstance(module, _BatchNorm) and module.running_mean is not None


def is_layer(module: nn.Module) -> bool:
    return isinstance(module, (nn.Linear, _ConvNd)) and isinstance(module.weight, nn.Parameter)


def measure_size(output: Tensor) -> float:
    """The root mean square."""
    return float(output.square().mean().sqrt())


def draw_between(bounds: tuple[float, float], shape: torch.Size, generator: Generator) -> Tensor:
    low, high = bounds
    return low + (high - low) * torch.rand(shape, generator=generator)


def draw_constant_parameters(model: nn.Module, generator: Generator) -> None:
    """Draw every parameter whose elements are all equal, as initialisation leaves norms, biases and closed gates."""
    norms = {id(parameter) for module in model.modules() if is_fitted_norm(module) for parameter in module.parameters()}
    for name, parameter in model.named_parameters():
        if parameter.is_floating_point() and parameter.numel() and is_constant(parameter):
            with torch.no_grad():
                parameter.copy_(draw_around(parameter, name, generator, batch_norm=id(parameter) in norms))
    for m in model.modules():
        if isinstance(m, _ConvNd) and m.weight[0,0].numel()>1:
            with torch.no_grad(): m.weight.add_(SMOOTH*m.weight.flatten(2).mean(2).reshape(*m.weight.shape[:2],*[1]*(m.weight.ndim-2)))


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
        if not shifts: return draw_between(NORM_SCALES, shape, generator)
        return draw_between(NORM_SHIFTS, shape, generator) + HIGH_SHIFT * (torch.rand(shape, generator=generator) < HIGH_FRACTION)
    if shifts:
        return constant + 0.2 * torch.randn(shape, generator=generator)
    if parameter.numel() == max(shape, default=1):
        live = constant if abs(constant) >= SMALLEST_LIVE_WEIGHT else 1.0
        return live * draw_between((0.7, 1.3), shape, generator)
    return torch.randn(shape, generator=generator) / math.sqrt(parameter[0].numel())
