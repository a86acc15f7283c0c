"""Train one network from a recipe and a seed; it goes on where a killed process left it."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import torch
from torch import Tensor, nn

from pocketbench import __version__
from pocketbench.accuracy.epoch import Normalisation, count_steps, epoch_randomness, measure_top1, run_epoch
from pocketbench.accuracy.recipe import Recipe, make_preprocessing
from pocketbench.accuracy.training_data import Examples, TrainingData
from pocketbench.accuracy.training_record import METADATA_KEY, EpochResult, Training
from pocketbench.accuracy.training_state import TrainingState, load_state, pack, save_state
from pocketbench.blocks.build import build_model
from pocketbench.blocks.model_runs import run_on
from pocketbench.core.errors import EnvironmentFault, UsageError
from pocketbench.core.jsonio import dump_record, to_plain, write_bytes
from pocketbench.core.records import ModelSpec
from pocketbench.profile.agent.machine_state import read_facts

Progress = Callable[[int, int], None]
"""Called with the steps that are done and those of the whole training."""


class TrainingFault(EnvironmentFault):
    """A training that can't go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingJob:
    """One network to train. `spec` says how it is built; its first weights are drawn from `seed`."""

    spec: ModelSpec
    recipe: Recipe
    seed: int


def train_network(job: TrainingJob, data: TrainingData, path: Path, device: str, on_step: Progress) -> Training:
    """Train, and write the weights to `path` with what is known of them. After each epoch the file of `state_path`
    holds where the training stands; it goes at the end.

    The last bits of a sum depend on how many threads share it: weights are the same again under as many.

    Args:
        device: "cpu" or "cuda".

    Raises:
        UsageError: when the data does not fill one batch, or the network is no classifier for it.
        ModelFault: when the network does not run on such pictures.
        TrainingFault: when the loss is no number any more.
        FileFault: when a file can't be written, or the state can't be read.
    """
    recipe = job.recipe
    step_count = count_steps(recipe, len(data.train.labels))
    if not step_count:
        raise UsageError(
            f"{data.name} has {len(data.train.labels)} pictures to train on, a batch {recipe.batch_size}",
            "make the batch smaller",
        )
    model, optimizer = make_network(job, device)
    check_scores(model, job, data, device)
    train, test = (
        Examples(pictures=part.pictures.to(device), labels=part.labels.to(device)) for part in (data.train, data.test)
    )
    normalise = Normalisation(make_preprocessing(recipe, job.spec), device)
    identity = identify(job, data, device)
    epochs = list(load_state(state_path(path), identity, model, optimizer))
    while len(epochs) < recipe.epoch_count:
        epoch, started = len(epochs), read_clock(device)
        with epoch_randomness(job.seed, epoch, device) as generator:
            loss = run_epoch(
                model,
                optimizer,
                train,
                normalise,
                recipe,
                epoch=epoch,
                generator=generator,
                on_step=count_on(on_step, epoch * step_count, step_count * recipe.epoch_count),
            )
        if not math.isfinite(loss):
            raise TrainingFault(
                f"{job.spec.name}, seed {job.seed}: the loss is {loss} in epoch {epoch + 1}",
                f"choose a lower learning rate than {recipe.learning_rate:g}",
            )
        top1 = measure_top1(model, test, normalise)
        epochs.append(EpochResult(train_loss=loss, top1_fraction=top1, busy_s=round(read_clock(device) - started, 1)))
        save_state(state_path(path), TrainingState(identity=identity, epochs=tuple(epochs)), model, optimizer)
    training = describe_training(job, data, tuple(epochs), device)
    write_bytes(path, pack(model.state_dict(), {METADATA_KEY: dump_record(training)}))
    state_path(path).unlink(missing_ok=True)
    return training


def make_network(job: TrainingJob, device: str) -> tuple[nn.Module, torch.optim.SGD]:
    """The network with its first weights, and its optimizer.

    "given" without a checkpoint leaves each layer's own initialisation; "random" would fit it for a comparison.
    """
    model = build_model(replace(job.spec, weights="given", seed=job.seed)).to(device)
    for parameter in model.parameters():
        if parameter.ndim == 4:
            # Half the time of the usual order of dimensions on a CPU. `contiguous` would leave kernels of one channel
            # or one position as they are, and their convolutions slow; module.to refuses modules with other ranks.
            ordered = torch.empty_like(parameter, memory_format=torch.channels_last)
            parameter.data = ordered.copy_(parameter.data)
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=job.recipe.learning_rate,
        momentum=job.recipe.momentum,
        weight_decay=job.recipe.weight_decay,
        nesterov=True,
    )
    return model, optimizer


def check_scores(model: nn.Module, job: TrainingJob, data: TrainingData, device: str) -> None:
    """Raises: UsageError unless the network gives a score for each class that the data has."""
    scores = run_on(model, torch.zeros(2, *job.spec.input_shape[1:], device=device))
    if not isinstance(scores, Tensor) or scores.ndim != 2:
        seen = f"shape {tuple(scores.shape)}" if isinstance(scores, Tensor) else f"a {type(scores).__name__}"
        raise UsageError(f"{job.spec.name} gives {seen} for 2 pictures", "only classifiers are trained")
    highest = max(int(part.labels.max()) for part in (data.train, data.test))
    if highest >= scores.shape[1]:
        raise UsageError(
            f"{data.name} has the label {highest}, {job.spec.name} scores for {scores.shape[1]} classes",
            f"build it with at least {highest + 1} classes",
        )


def count_on(on_step: Progress, done: int, total: int) -> Callable[[int], None]:
    """Steps of an epoch as steps of the training."""
    return lambda step: on_step(done + step, total)


def state_path(path: Path) -> Path:
    """Where a training stands whose weights will be at `path`."""
    return path.with_suffix(".state")


def identify(job: TrainingJob, data: TrainingData, device: str) -> str:
    """A hash of all that decides the weights: an epoch under another torch or device is of another training."""
    parts = {
        "spec": to_plain(job.spec),
        "recipe": to_plain(job.recipe),
        "seed": job.seed,
        "data": data.sha256,
        "environment": [torch.__version__, device, torch.get_num_threads()],
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def read_clock(device: str) -> float:
    """Unit: seconds; CPU time of the process, and wall clock time where a GPU does the work."""
    return time.process_time() if device == "cpu" else time.monotonic()


def describe_training(job: TrainingJob, data: TrainingData, epochs: tuple[EpochResult, ...], device: str) -> Training:
    return Training(
        spec=job.spec,
        recipe=job.recipe,
        recipe_sha256=job.recipe.sha256,
        preprocessing=make_preprocessing(job.recipe, job.spec),
        dataset=data.name,
        dataset_sha256=data.sha256,
        train_count=len(data.train.labels),
        test_count=len(data.test.labels),
        seed=job.seed,
        epochs=epochs,
        device=device,
        machine=torch.cuda.get_device_name() if device == "cuda" else read_facts()["soc"],
        tools={"torch": str(torch.__version__), "pocketbench": __version__},
        finished_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
