"""Layers that are fitted to their inputs while a network runs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Generator, Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

BIASED_MEANS = (0.2, 1.0)
SMALLEST_VARIANCE = 1e-3
SMALLEST_SIZE = 1e-4


class Fitting:
    """Hooks that fit a layer when the run reaches it: those before it are fitted already.

    A layer that is applied twice is fitted to the first input, and shrunk if the second is too large for it; a
    BatchNorm is fitted to the last.
    """

    def __init__(self, generator: Generator) -> None:
        self.generator = generator
        self.fitted: set[nn.Module] = set()

    def fit_norm(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Before it runs: take over the mean and the variance of the input, moved a little."""
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
        """After it ran: scale the weights, shift the bias, and give the output that the layer has now."""
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
        weight.div_(max(SMALLEST_SIZE, measure_size(output)))
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
    """A convolution or linear layer that holds its weights itself: a parametrisation computes them anew."""
    return isinstance(module, (nn.Linear, _ConvNd)) and isinstance(module.weight, nn.Parameter)


def measure_size(output: Tensor) -> float:
    """The root mean square."""
    return float(output.square().mean().sqrt())


def draw_between(bounds: tuple[float, float], shape: torch.Size, generator: Generator) -> Tensor:
    low, high = bounds
    return low + (high - low) * torch.rand(shape, generator=generator)
