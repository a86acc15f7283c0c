"""A line of the catalogue of attention blocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pocketbench.core.registry import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockEntry(Entry):
    """An attention block, as `pocketbench list blocks` shows it.

    `paper` is authors, venue, year and arXiv number. `parameters` is the count as a Python expression over C, H, W and,
    for a block with a reduction ratio, r. `default_reduction` is the paper's ratio, None for a block without one;
    `has_gate` says whether there is a choice between a sigmoid and a hard one.
    `warning` names the cost of a block that no phone should carry, None for a mobile-friendly one. `refused` holds the
    formats that the block can't be written in, each with the reason.
    """

    paper: str
    parameters: str
    default_reduction: int | None = None
    has_gate: bool = True
    warning: str | None = None
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_mobile_friendly(self) -> bool:
        return self.warning is None
