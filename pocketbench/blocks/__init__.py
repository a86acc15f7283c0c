"""Attention blocks and backbones in operators that export well to every format."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pocketbench.blocks.rewriting.rewrite import make_export_friendly

__all__ = ["make_export_friendly"]


def __getattr__(name: str) -> object:
    """Import what needs torch only when it is asked for."""
    if name == "make_export_friendly":
        from pocketbench.blocks.rewriting.rewrite import make_export_friendly

        return make_export_friendly
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
