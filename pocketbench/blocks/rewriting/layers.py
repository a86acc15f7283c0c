"""What an attention module holds, in a form that does not depend on who wrote it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pocketbench.blocks.rewriting.activations import recognise_activation

MOST_MODULES = 40


def read_layers(module: nn.Module) -> list[nn.Module]:
    """Copies of the layers of `module` in the order of their registration; none when it holds others than these.

    1x1 convolutions and linear layers become 1x1 convolutions with a bias, the BatchNorm behind a convolution is folded
    into it, activations become torch's own. What holds no weights and is no activation (pools, flattening) is left out.
    """
    if sum(1 for _ in module.modules()) > MOST_MODULES:
        return []
    layers: list[nn.Module] = []
    return layers if _collect(module, layers) else []


def split_layers(layers: list[nn.Module]) -> tuple[list[nn.Module], list[nn.Module]]:
    """Those with weights, and the activations."""
    weighted = [layer for layer in layers if next(layer.parameters(), None) is not None]
    return weighted, [layer for layer in layers if layer not in weighted]


def make_pointwise(weight: Tensor, bias: Tensor | None) -> nn.Conv2d:
    """The 1x1 convolution of a weight (outputs, inputs, 1, 1)."""
    outputs, inputs = weight.shape[:2]
    layer = nn.Conv2d(inputs, outputs, 1).to(weight)
    _copy_weights(layer, weight, bias)
    return layer


def _collect(module: nn.Module, layers: list[nn.Module]) -> bool:
    """Append the layers inside; False where there is one that no family of blocks has."""
    if any(parameter is not None for parameter in module._parameters.values()):
        return False
    for child in module.children():
        if isinstance(child, (nn.Conv2d, nn.Conv1d, nn.Linear)):
            layer = _copy_layer(child)
            if layer is None:
                return False
            layers.append(layer)
        elif isinstance(child, nn.BatchNorm2d):
            if not layers or type(layers[-1]) is not nn.Conv2d or child.running_mean is None:
                return False
            layers[-1] = _fold(layers[-1], child)
            layers += _recognise(*child.children())  # timm's holds the activation behind it
        elif next(child.parameters(), None) is None:
            layers += _recognise(child)
        elif not _collect(child, layers):
            return False
    return True


def _recognise(*modules: nn.Module) -> list[nn.Module]:
    found = [recognise_activation(module) for module in modules]
    return [activation for activation in found if activation is not None and type(activation) is not nn.Identity]


def _copy_layer(layer: nn.Conv2d | nn.Conv1d | nn.Linear) -> nn.Conv2d | nn.Conv1d | None:
    weight, bias = layer.weight, layer.bias
    if isinstance(layer, nn.Linear):
        return make_pointwise(weight[:, :, None, None], bias)
    if isinstance(layer, nn.Conv1d):
        if weight.shape[:2] != (1, 1) or weight.shape[2] % 2 == 0 or bias is not None:
            return None
        line = nn.Conv1d(1, 1, weight.shape[2], padding=weight.shape[2] // 2, bias=False).to(weight)
        _copy_weights(line, weight, None)
        return line
    height, width = layer.kernel_size
    if (height, width) == (1, 1) and layer.groups == 1 and layer.stride == (1, 1):
        return make_pointwise(weight, bias)
    if tuple(weight.shape[:2]) == (1, 2) and height == width and height % 2 == 1:
        window = nn.Conv2d(2, 1, height, padding=height // 2).to(weight)
        _copy_weights(window, weight, bias)
        return window
    return None


def _copy_weights(layer: nn.Conv2d | nn.Conv1d, weight: Tensor, bias: Tensor | None) -> None:
    with torch.no_grad():
        layer.weight.copy_(weight)
        if layer.bias is not None:
            layer.bias.zero_() if bias is None else layer.bias.copy_(bias)


def _fold(convolution: nn.Module, norm: nn.BatchNorm2d) -> nn.Conv2d:
    assert isinstance(convolution, nn.Conv2d)
    plain = nn.BatchNorm2d(norm.num_features, norm.eps, affine=norm.affine).to(convolution.weight)
    plain.load_state_dict(
        {name: value for name, value in norm.state_dict().items() if name in plain.state_dict()}, strict=True
    )
    return fuse_conv_bn_eval(convolution.eval(), plain.eval())
