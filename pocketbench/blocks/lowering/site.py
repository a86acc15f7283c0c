"""A place of a network where an attention block stands, and what follows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """An attention block in a network.

    `name` is the block's path in the network, `kind` its name in the catalogue. `projection` is the 1x1 convolution
    that is applied to the block's output and nothing else, with the BatchNorm behind it folded in; None where
    something else follows.
    """

    name: str
    kind: str
    block: nn.Module
    channels: int
    size: tuple[int, int]
    projection: nn.Conv2d | None

    @property
    def positions(self) -> int:
        """H W."""
        return self.size[0] * self.size[1]

    @property
    def outputs(self) -> int:
        """The channels behind the projection; those of the map where there is none."""
        return self.projection.out_channels if self.projection is not None else self.channels


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A way to write a block as a graph.

    `build` makes the module that stands in for the block and, if `takes_projection`, for its projection too: it maps
    (N, C, H, W) to (N, outputs, H, W) then. It holds the block's weights in inference form and is never trained.
    """

    name: str
    build: Callable[[Site], nn.Module]
    takes_projection: bool = False


def projection_of(site: Site) -> nn.Conv2d:
    """The projection of a site whose form takes it."""
    assert site.projection is not None
    return site.projection
