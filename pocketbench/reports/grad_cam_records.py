"""What a figure of class activations shows: a row a picture, a column a network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pocketbench.core.records import ModelSpec
from pocketbench.reports.labels import describe_attention, describe_network

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class CamColumn:
    """One network: the module whose output is shown, its positions (height, width), and where its weights come from.

    `is_last_block` is False where later blocks have too few positions, None where the module is no building block.
    """

    network: str
    label: str
    layer: str
    positions: tuple[int, int]
    is_last_block: bool | None
    weights: str


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CamCell:
    """One map, 255 at its largest value, and what the network takes the picture for. Shape: heat (H, W)."""

    heat: Pixels
    guess: str
    is_right: bool

    @property
    def is_empty(self) -> bool:
        """Whether nothing in the picture speaks for the class."""
        return not self.heat.any()


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CamRow:
    """One picture, as the networks see it. Shape: picture (H, W) or (H, W, 3)."""

    label: str
    name: str
    picture: Pixels
    cells: tuple[CamCell, ...]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CamFigure:
    """`remarks` are what a reader must know: what is missing, and which pictures can't be read."""

    title: str
    dataset: str
    columns: tuple[CamColumn, ...]
    rows: tuple[CamRow, ...]
    remarks: tuple[str, ...]


def label_networks(specs: Sequence[ModelSpec]) -> list[tuple[str, str]]:
    """For each spec its network and what was added to it, as in the tables: ("mobilenet_v2 1.0, 224 x 224", "+ ca").

    Where two would read the same, the second text is the spec's name.
    """
    networks = [describe_network(spec) for spec in specs]
    extended = {network for network, spec in zip(networks, specs, strict=True) if spec.block is not None}
    shows_gate = len({spec.gate for spec in specs if spec.block is not None}) > 1
    labels = [
        (network, describe_attention(spec, has_variants=network in extended, shows_gate=shows_gate))
        for network, spec in zip(networks, specs, strict=True)
    ]
    counts = Counter(labels)
    return [(label[0], spec.name) if counts[label] > 1 else label for label, spec in zip(labels, specs, strict=True)]
