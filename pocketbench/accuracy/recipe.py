"""How networks are trained: what all variants of a comparison share."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from pocketbench.core.jsonio import to_plain
from pocketbench.core.records import ModelSpec, Preprocessing


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """The part of a Preprocessing that is not the network's own: its size and channels come from each network."""

    crop: str = "center"
    resize: int | None = None
    interpolation: str | None = None
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """SGD with Nesterov momentum; the learning rate falls from `learning_rate` to 0 by a half cosine, step by step:

        rate(step) = learning_rate / 2 * (1 + cos(pi * step / step_count))

    Weight decay acts on every weight, as in the code of coordinate attention. A picture is moved by up to `shift`
    pixels each way, black around it, and mirrored left to right every other time where `flip` is set. `label_smoothing`
    is 0 in the paper. Neither data nor seed is part of it: they are recorded beside it.

    Source: section 4.1 of the paper of coordinate attention, arXiv:2103.02907.
    Differs: the batch is half as large, and how long and on what is trained is up to each recipe.
    """

    framing: Framing
    epoch_count: int
    batch_size: int = 128
    learning_rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 4e-5
    label_smoothing: float = 0.0
    shift: int = 0
    flip: bool = False

    @property
    def sha256(self) -> str:
        return hashlib.sha256(json.dumps(to_plain(self), sort_keys=True).encode()).hexdigest()


def make_preprocessing(recipe: Recipe, spec: ModelSpec) -> Preprocessing:
    """What becomes of pictures for this network under the recipe."""
    _, channels, height, width = spec.input_shape
    framing = recipe.framing
    return Preprocessing(
        size=(height, width),
        channels=channels,
        crop=framing.crop,
        resize=framing.resize,
        interpolation=framing.interpolation,
        mean=framing.mean,
        std=framing.std,
    )
