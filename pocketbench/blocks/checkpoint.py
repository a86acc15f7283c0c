"""Trained weights from a file into a network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pocketbench.blocks.checkpoint_contents import read_checkpoint
from pocketbench.core.errors import ModelFault

SHOWN_NAMES = 10
SHOWN_CHARACTERS = 250
"""Of the names in an error, which has two lines."""


def load_checkpoint(model: nn.Module, path: Path) -> None:
    """Load the weights of a .safetensors, .pth, .pt or .pth.tar file; a pickle's code is never run.

    The weights may stand under state_dict_ema, model_ema, state_dict, model or model_state_dict (the first of these
    that is there), and behind the prefixes of DataParallel and torch.compile. Names of official repositories are
    mapped by the blocks themselves. Every weight of the network must be there, in its shape, finite, and no other.

    Args:
        model: changed in place; only partly loaded after a ModelFault.

    Raises:
        UsageError: when the suffix is none of a checkpoint's.
        FileFault: when the file can't be read, is larger than 4 GB, is damaged, holds code, or holds no weights.
        ModelFault: when the weights are those of another network, or are not finite.
    """
    weights = read_checkpoint(path, model.state_dict())
    comparison = Comparison()
    # after the blocks' own hooks, which rename official weights
    hooks = [module.register_load_state_dict_pre_hook(comparison.compare) for module in model.modules()]  # type: ignore[no-untyped-call]
    try:
        left_over = model.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        raise ModelFault(f"{path} can't be loaded: {error}", "save it anew from the network in training") from error
    finally:
        for hook in hooks:
            hook.remove()
    missing = [name for name in left_over.missing_keys if name not in comparison.refused]
    comparison.check(path, missing, left_over.unexpected_keys)


class Comparison:
    """Hooks that take the weights that do not fit out of a state dict while it is loaded, and remember them."""

    def __init__(self) -> None:
        self.misfits: dict[str, str] = {}
        self.damaged: list[str] = []
        self.class_counts: set[tuple[int, int] | None] = set()

    @property
    def refused(self) -> set[str]:
        return {*self.misfits, *self.damaged}

    def compare(self, module: nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
        own = {**dict(module.named_parameters(recurse=False)), **dict(module.named_buffers(recurse=False))}
        for name, expected in own.items():
            key = prefix + name
            if key not in state_dict:
                continue
            value = state_dict[key]
            if not fits(value, expected):
                self.misfits[key] = f"{key} is {describe(value)}, expected {describe(expected)}"
                self.class_counts.add(compare_class_counts(value, expected))
                del state_dict[key]
            elif not is_finite(value.to(expected.dtype)) and is_finite(expected.detach()):
                self.damaged.append(key)
                del state_dict[key]

    def check(self, path: Path, missing: Sequence[str], unknown: Sequence[str]) -> None:
        """Raises: ModelFault when something did not fit."""
        lists = {"of another shape": list(self.misfits.values()), "missing": missing, "unknown": unknown}
        lists = {what: names for what, names in lists.items() if names}
        if lists:
            room = SHOWN_CHARACTERS // len(lists)
            faults = [f"{len(names)} {what}: {list_names(names, room)}" for what, names in lists.items()]
            raise ModelFault(
                f"{shorten(path.name, 60)} holds the weights of another network: {'; '.join(faults)}",
                self.find_cure(alone=not missing and not unknown),
            )
        if self.damaged:
            names = list_names(self.damaged, SHOWN_CHARACTERS)
            raise ModelFault(
                f"{shorten(path.name, 60)} holds NaN or infinity in {len(self.damaged)} of its weights: {names}",
                "the training diverged: take an earlier checkpoint",
            )

    def find_cure(self, *, alone: bool) -> str:
        counts = next(iter(self.class_counts), None)
        if alone and counts is not None and len(self.class_counts) == 1:
            return f"the classifier has {counts[0]} classes: add --classes {counts[0]}, or build it with as many"
        return "name the network that was trained: model, width, attention, reduction, classes, channels"


def fits(value: object, expected: Tensor) -> bool:
    """Whether a value of the file can become the weight `expected`; the number type may be another."""
    return (
        isinstance(value, Tensor)
        and value.shape == expected.shape
        and value.layout == torch.strided
        and not value.is_meta
        and (value.is_floating_point() or not expected.is_floating_point())
    )


def is_finite(value: Tensor) -> bool:
    return not value.is_floating_point() or bool(value.isfinite().all())


def compare_class_counts(value: object, expected: Tensor) -> tuple[int, int] | None:
    """The two first dimensions where these alone differ, as those of two classifiers do."""
    if not isinstance(value, Tensor) or value.ndim != expected.ndim or value.ndim == 0:
        return None
    differ = value.shape[0] != expected.shape[0] and value.shape[1:] == expected.shape[1:]
    return (value.shape[0], expected.shape[0]) if differ else None


def describe(value: object) -> str:
    if not isinstance(value, Tensor):
        return f"a {type(value).__name__}"
    size = "x".join(map(str, value.shape)) or "a number"
    return size if value.is_floating_point() else f"{size} of {str(value.dtype).removeprefix('torch.')}"


def list_names(names: Sequence[str], room: int) -> str:
    """The first names, at most ten and as many as there is room for."""
    shown: list[str] = []
    for name in names[:SHOWN_NAMES]:
        shown.append(shorten(name, room))
        if len(", ".join(shown)) > room and len(shown) > 1:
            shown.pop()
            break
    return ", ".join(shown) + (", ..." if len(shown) < len(names) else "")


def shorten(name: str, limit: int) -> str:
    """A name that somebody else chose, printable."""
    plain = name if name.isprintable() else ascii(name)
    return plain if len(plain) <= limit else f"{plain[: limit - 3]}..."
