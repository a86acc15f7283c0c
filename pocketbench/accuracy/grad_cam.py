"""Where in a picture a network sees a class: Grad-CAM.

Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra: "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
Localization", ICCV 2017, arXiv:1610.02391.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pocketbench.blocks.model_runs import evaluation_mode
from pocketbench.core.errors import ModelFault, PocketbenchError

CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
MIN_POSITIONS = 3
"""Of a map, each way: two can't tell the middle of a picture from its edge."""
MAX_STRETCH = 2.0
"""How far the proportions of a map may be from those of the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CamLayer:
    """A module whose output is a map. Shape: size (height, width).

    `is_block` says whether it is a building block, `is_last` whether it is the last one: small pictures leave the last
    blocks with a position or two.
    """

    path: str
    size: tuple[int, int]
    is_block: bool
    is_last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassActivation:
    """`heat` is the map at the size of the picture, scaled to 0..1 by its own largest value, and 0 everywhere where
    nothing speaks for the class (`peak` 0). `peak` is the largest value before that; `guess` the class of the highest
    score. Shape: heat (H, W)."""

    heat: NDArray[np.float32]
    peak: float
    guess: int


def find_cam_layer(model: nn.Module, example: Tensor) -> CamLayer:
    """The last building block whose output is a map of at least 3 x 3 positions that the scores depend on.

    A building block has at least two convolutions, is an element of a sequence or one of several of its class, and is
    no part of another one. In a network without such blocks it is the last module with a convolution.

    Shape: example (1, C, H, W).

    Raises: ModelFault when the network does not run, is no classifier, or has no such map.
    """
    modules = [(path, module) for path, module in model.named_modules() if path]
    with record_outputs(modules) as outputs:
        scores = run_with_gradients(model, example)
    height, width = example.shape[2:]
    maps = {path: output for path, output in outputs.items() if output.ndim == 4 and output.shape[0] == 1}
    gradients = torch.autograd.grad(scores.sum(), list(maps.values()), allow_unused=True) if maps else ()
    sizes = {
        path: (output.shape[2], output.shape[3])
        for (path, output), gradient in zip(maps.items(), gradients, strict=True)
        if gradient is not None
    }
    usable = [path for path, size in sizes.items() if is_map(size, (height, width)) and has_convolution(model, path)]
    if not usable:
        raise ModelFault(
            f"the network has no map of {MIN_POSITIONS} x {MIN_POSITIONS} positions or more for a picture of"
            f" {height} x {width}",
            "Grad-CAM needs a convolutional network, and pictures that are large enough",
        )
    blocks = list_blocks(model)
    used_blocks = [path for path in usable if path in blocks]
    path = (used_blocks or usable)[-1]
    later = [other for other in sizes if other in blocks]
    return CamLayer(path=path, size=sizes[path], is_block=path in blocks, is_last=not later or later[-1] == path)


def compute_grad_cam(model: nn.Module, layer: CamLayer, example: Tensor, class_index: int) -> ClassActivation:
    """The class activation map of one picture.

        alpha_k = mean over the positions of d score_c / d A_k
        map     = max(0, sum over k of alpha_k A_k)

    then bilinearly to the size of the picture (the centres of the positions stay where they are).

    Shape: example (1, C, H, W).

    Raises: ModelFault when the network does not run or has no score for the class.

    Source: equations 1 and 2 of arXiv:1610.02391.
    """
    with record_outputs([(layer.path, model.get_submodule(layer.path))]) as outputs:
        scores = run_with_gradients(model, example)
    if class_index >= scores.shape[1]:
        raise ModelFault(
            f"the network scores {scores.shape[1]} classes, a picture has the label {class_index}",
            "choose the data set that it was trained on",
        )
    activation = outputs[layer.path]
    (gradient,) = torch.autograd.grad(scores[0, class_index], activation)
    weights = gradient.mean(dim=(2, 3), keepdim=True)  # (1, K, 1, 1)
    heat = (weights * activation).sum(dim=1, keepdim=True).relu().detach()  # (1, 1, h, w)
    peak = float(heat.max())
    heat = functional.interpolate(heat, size=example.shape[2:], mode="bilinear", align_corners=False)[0, 0]  # (H, W)
    return ClassActivation(
        heat=(heat / heat.max() if peak > 0 else heat).numpy(), peak=peak, guess=int(scores[0].argmax())
    )


def list_blocks(model: nn.Module) -> set[str]:
    """The paths of the building blocks, and of stages that are sequences of them."""
    large = {
        path: module
        for path, module in model.named_modules()
        if path and sum(parameter.ndim == 4 for parameter in module.parameters()) >= 2
    }
    kinds = Counter(type(module) for module in large.values() if not isinstance(module, CONTAINERS))
    units = [path for path, module in large.items() if kinds[type(module)] >= 2]
    elements = [path for path in large if isinstance(model.get_submodule(path.rpartition(".")[0]), CONTAINERS)]
    return {path for path in [*units, *elements] if not any(path.startswith(f"{unit}.") for unit in units)}


def has_convolution(model: nn.Module, path: str) -> bool:
    return any(parameter.ndim == 4 for parameter in model.get_submodule(path).parameters())


def is_map(size: tuple[int, int], picture: tuple[int, int]) -> bool:
    """Whether positions lie over the picture: enough both ways, no more than pixels, in its proportions.

    This tells maps from what attention pools along one axis, and from maps with the channels last.
    """
    stretch = (size[0] / size[1]) / (picture[0] / picture[1])
    fits = all(MIN_POSITIONS <= length <= limit for length, limit in zip(size, picture, strict=True))
    return fits and 1 / MAX_STRETCH <= stretch <= MAX_STRETCH


@contextmanager
def record_outputs(modules: list[tuple[str, nn.Module]]) -> Iterator[dict[str, Tensor]]:
    """The tensors that modules return while the context is open, in the order in which they are done."""
    outputs: dict[str, Tensor] = {}

    def record(path: str, output: object) -> object:
        if not isinstance(output, Tensor) or not output.requires_grad:
            return output
        outputs.pop(path, None)
        outputs[path] = output
        return output.clone()  # a later module may change it in place

    def make_hook(path: str) -> Any:
        return lambda _module, _inputs, output: record(path, output)

    with ExitStack() as stack:
        for path, module in modules:
            stack.callback(module.register_forward_hook(make_hook(path)).remove)
        yield outputs


def run_with_gradients(model: nn.Module, example: Tensor) -> Tensor:
    """The scores of one picture, in evaluation mode. Shape: (1, C, H, W) to (1, class count). Raises: ModelFault."""
    try:
        with torch.enable_grad(), evaluation_mode(model):
            scores = model(example.detach().clone().requires_grad_())
    except PocketbenchError:
        raise
    except Exception as error:  # a user's network can raise anything
        raise ModelFault(
            f"the network does not run on an input of shape {tuple(example.shape)}: {type(error).__name__}: {error}",
            "check the input shape; the network gets one float32 tensor",
        ) from error
    if not isinstance(scores, Tensor) or scores.ndim != 2 or not scores.requires_grad:
        seen = f"shape {tuple(scores.shape)}" if isinstance(scores, Tensor) else f"a {type(scores).__name__}"
        raise ModelFault(f"the network gives {seen} for one picture", "Grad-CAM needs a classifier: a score a class")
    return scores
