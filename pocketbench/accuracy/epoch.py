"""One pass over the training pictures, and one over those that it is judged by."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from pocketbench.accuracy.augmentation import augment
from pocketbench.accuracy.preprocessing import scale_and_shift
from pocketbench.accuracy.recipe import Recipe
from pocketbench.accuracy.training_data import Examples
from pocketbench.blocks.model_runs import evaluation_mode
from pocketbench.blocks.randomness import seeded_randomness
from pocketbench.core.records import Preprocessing

TEST_BATCH = 500


class Normalisation:
    """Bytes to the network's input, on its device: byte * scale + shift."""

    def __init__(self, preprocessing: Preprocessing, device: str) -> None:
        scale, shift = scale_and_shift(preprocessing)
        self.scale = torch.from_numpy(scale).to(device)[:, None, None]
        self.shift = torch.from_numpy(shift).to(device)[:, None, None]

    def __call__(self, pictures: Tensor) -> Tensor:
        return (pictures * self.scale + self.shift).contiguous(memory_format=torch.channels_last)


def count_steps(recipe: Recipe, picture_count: int) -> int:
    """Steps of an epoch; what does not fill the last batch is left out of it (the next epoch draws another order)."""
    return picture_count // recipe.batch_size


def find_rate(recipe: Recipe, step: int, step_count: int) -> float:
    """The learning rate of a step (from 0) of the whole training: a half cosine, see `Recipe`."""
    return recipe.learning_rate / 2 * (1 + math.cos(math.pi * step / step_count))


def derive_seed(seed: int, epoch: int) -> int:
    """All that is random in an epoch comes from this: an epoch that is repeated after a kill draws the same."""
    digest = hashlib.sha256(f"{seed}, epoch {epoch}".encode()).digest()
    return int.from_bytes(digest[:7], "big")


@contextmanager
def epoch_randomness(seed: int, epoch: int, device: str) -> Iterator[torch.Generator]:
    """Dropout draws from the global generators; order and augmentation from the one that this yields."""
    derived = derive_seed(seed, epoch)
    with seeded_randomness(derived):
        if device == "cuda":
            torch.cuda.manual_seed(derived)
        yield torch.Generator().manual_seed(derived)


def run_epoch(
    model: nn.Module,
    optimizer: torch.optim.SGD,
    examples: Examples,
    normalise: Normalisation,
    recipe: Recipe,
    *,
    epoch: int,
    generator: torch.Generator,
    on_step: Callable[[int], None],
) -> float:
    """Train on every picture once, in a random order; returns the mean loss, which may be no number.

    Args:
        on_step: called with the steps of this epoch that are done.
    """
    step_count = count_steps(recipe, len(examples.labels))
    order = torch.randperm(len(examples.labels), generator=generator).to(examples.labels.device)
    losses = torch.zeros((), device=examples.labels.device, dtype=torch.float64)
    model.train()
    for step in range(step_count):
        chosen = order[step * recipe.batch_size : (step + 1) * recipe.batch_size]
        pictures = augment(examples.pictures[chosen], generator, shift=recipe.shift, flip=recipe.flip)
        for group in optimizer.param_groups:
            group["lr"] = find_rate(recipe, epoch * step_count + step, recipe.epoch_count * step_count)
        optimizer.zero_grad()
        scores = model(normalise(pictures))
        loss = nn.functional.cross_entropy(scores, examples.labels[chosen], label_smoothing=recipe.label_smoothing)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses += loss.detach()
        on_step(step + 1)
    return float(losses) / step_count


def measure_top1(model: nn.Module, examples: Examples, normalise: Normalisation) -> float:
    """The fraction of pictures whose highest score is that of their label."""
    right = 0
    with torch.no_grad(), evaluation_mode(model):
        for start in range(0, len(examples.labels), TEST_BATCH):
            part = slice(start, start + TEST_BATCH)
            guesses = model(normalise(examples.pictures[part])).argmax(1)
            right += int((guesses == examples.labels[part]).sum())
    return right / len(examples.labels)
