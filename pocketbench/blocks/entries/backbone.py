"""A line of the catalogue of backbones."""

from __future__ import annotations

from dataclasses import dataclass

from pocketbench.core.registry import Entry

USUAL_CLASS_COUNT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneEntry(Entry):
    """A backbone, with what it chooses where nobody else does.

    `class_count` is that of its paper's data set. `own_block` is the attention block that its paper has in the slot, at
    hidden widths of its own: built so when no reduction is chosen; None for a backbone without.
    """

    class_count: int = USUAL_CLASS_COUNT
    own_block: str | None = None
