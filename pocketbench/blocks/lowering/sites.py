"""Where attention blocks stand in a network."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pocketbench.blocks.catalog import BLOCKS
from pocketbench.blocks.lowering.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A site, and the attribute that holds its block.

    `projection_names` are those, in the same parent, of the layers that the site's projection stands for.
    """

    site: Site
    parent: nn.Module
    name: str
    projection_names: tuple[str, ...]


def find_places(model: nn.Module) -> list[Place]:
    """Every block of the catalogue in `model`, in the order of its modules; not the parts of a block."""
    kinds = {entry.target: name for name, entry in BLOCKS.entries().items()}
    return list(_walk(model, "", kinds))


def _walk(parent: nn.Module, path: str, kinds: dict[str, str]) -> Iterator[Place]:
    for name, child in parent.named_children():
        kind = kinds.get(f"{type(child).__module__}:{type(child).__qualname__}")
        if kind is None:
            yield from _walk(child, f"{path}{name}.", kinds)
            continue
        channels, size = getattr(child, "channels", None), getattr(child, "size", None)
        if isinstance(channels, int) and isinstance(size, tuple):
            layers = _find_projection(parent, name)
            yield Place(
                site=Site(
                    name=path + name,
                    kind=kind,
                    block=child,
                    channels=channels,
                    size=size,
                    projection=_fold([parent.get_submodule(layer) for layer in layers]),
                ),
                parent=parent,
                name=name,
                projection_names=layers,
            )


def _find_projection(parent: nn.Module, name: str) -> tuple[str, ...]:
    """The 1x1 convolution behind `name`, and its BatchNorm. Only a Sequential says what follows."""
    if type(parent) is not nn.Sequential:
        return ()
    names = list(parent._modules)
    following = names[names.index(name) + 1 :]
    if not following or not _is_projection(parent.get_submodule(following[0])):
        return ()
    if len(following) > 1 and type(parent.get_submodule(following[1])) is nn.BatchNorm2d:
        return following[0], following[1]
    return (following[0],)


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
