"""Where attention blocks stand in a network."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pocketbench.blocks.catalog import BLOCKS
from pocketbench.blocks.lowering.site import Site
from pocketbench.blocks.lowering.successors import find_successors

Projections = dict[str, tuple[str, ...]]
"""Path of a block -> the paths of the 1x1 convolution behind it and of its BatchNorm; empty where others follow."""

KINDS = {entry.target: name for name, entry in BLOCKS.entries().items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A site, and the paths in the network of the layers that its projection stands for."""

    site: Site
    projection_paths: tuple[str, ...]


def find_projections(model: nn.Module, input_shape: tuple[int, ...] | None = None) -> Projections:
    """The layers behind every block of `model`.

    Args:
        input_shape: to look for them outside of Sequentials too, in the graph that a run on it leaves.
    """
    projections = {path: _find_next_in_sequence(model, path) for path, _ in _find_blocks(model, "")}
    open_paths = [path for path, layers in projections.items() if not layers]
    if input_shape is not None and open_paths:
        projections |= find_successors(model, open_paths, input_shape)
    return projections


def find_places(model: nn.Module, projections: Projections) -> list[Place]:
    """Every block of the catalogue in `model`, in the order of its modules; not the parts of a block."""
    return [_make_place(model, path, kind, projections[path]) for path, kind in _find_blocks(model, "")]


def _find_blocks(parent: nn.Module, path: str) -> Iterator[tuple[str, str]]:
    """Path and kind of each block."""
    for name, child in parent.named_children():
        kind = KINDS.get(f"{type(child).__module__}:{type(child).__qualname__}")
        if kind is None:
            yield from _find_blocks(child, f"{path}{name}.")
        elif isinstance(getattr(child, "channels", None), int) and isinstance(getattr(child, "size", None), tuple):
            yield path + name, kind


def _make_place(model: nn.Module, path: str, kind: str, layers: tuple[str, ...]) -> Place:
    block = model.get_submodule(path)
    if layers and not _is_projection(model.get_submodule(layers[0])):
        layers = ()
    if len(layers) == 2 and not isinstance(model.get_submodule(layers[1]), nn.BatchNorm2d):
        layers = layers[:1]
    channels, size = block.channels, block.size
    assert isinstance(channels, int)
    assert isinstance(size, tuple)
    projection = _fold([model.get_submodule(layer) for layer in layers])
    site = Site(name=path, kind=kind, block=block, channels=channels, size=size, projection=projection)
    return Place(site=site, projection_paths=layers)


def _find_next_in_sequence(model: nn.Module, path: str) -> tuple[str, ...]:
    """The paths of the convolution behind a module, and of its BatchNorm, where a Sequential says so."""
    above, _, name = path.rpartition(".")
    parent = model.get_submodule(above)
    if type(parent) is not nn.Sequential:
        return ()
    names = list(parent._modules)
    following = names[names.index(name) + 1 :][:2]
    layers = [parent.get_submodule(layer) for layer in following]
    if not layers or not _is_projection(layers[0]):
        return ()
    count = 2 if len(layers) > 1 and type(layers[1]) is nn.BatchNorm2d else 1
    prefix = f"{above}." if above else ""
    return tuple(prefix + layer for layer in following[:count])


def _is_projection(module: nn.Module) -> bool:
    return (
        type(module) is nn.Conv2d
        and module.kernel_size == (1, 1)
        and module.stride == (1, 1)
        and module.padding == (0, 0)
        and module.groups == 1
    )


def _fold(layers: list[nn.Module]) -> nn.Conv2d | None:
    if not layers:
        return None
    convolution, *norms = (copy.deepcopy(layer).eval() for layer in layers)
    assert isinstance(convolution, nn.Conv2d)
    for norm in norms:
        assert isinstance(norm, nn.BatchNorm2d)
        convolution = fuse_conv_bn_eval(convolution, norm)
    return convolution
