"""The networks of a suite that have trained weights, and where those come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pocketbench.accuracy.training_record import Training, read_training
from pocketbench.blocks.checkpoint_file import hash_checkpoint
from pocketbench.core.errors import UsageError
from pocketbench.core.records import ModelSpec, Preprocessing
from pocketbench.workflow.suites import Suite
from pocketbench.workflow.trained_weights import find_first_trainings

SHOWN_NAMES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedNetwork:
    """A network of a suite, the spec that builds it with its weights, and what their file says of the training."""

    asked: ModelSpec
    spec: ModelSpec
    preprocessing: Preprocessing
    training: Training | None


def find_trained_networks(suite: Suite, trainings: Path) -> tuple[list[TrainedNetwork], list[ModelSpec]]:
    """The suite's networks with trained weights, and those without.

    Raises:
        UsageError: when none has any, or a checkpoint does not say what becomes of a picture.
        FileFault: when weights can't be read.
    """
    networks, missing = [], []
    done = find_first_trainings(suite, trainings)
    for spec in suite.models:
        if spec.checkpoint is not None:
            networks.append(take_checkpoint(spec, Path(spec.checkpoint)))
        elif spec in done:
            path, training = done[spec]
            digest = hash_checkpoint(path)
            trained = replace(spec, weights="given", checkpoint=str(path), checkpoint_sha256=digest)
            networks.append(
                TrainedNetwork(asked=spec, spec=trained, preprocessing=training.preprocessing, training=training)
            )
        else:
            missing.append(spec)
    if not networks:
        raise UsageError(
            f"random weights see no class: suite {suite.name} has no trained weights for {list_names(missing)}",
            f"pocketbench train --suite {suite.name}"
            if suite.train is not None
            else "name a suite with a [train] table, as fashion, after pocketbench train --suite fashion; or give its"
            " models a checkpoint",
        )
    return networks, missing


def take_checkpoint(spec: ModelSpec, path: Path) -> TrainedNetwork:
    """Raises: UsageError, FileFault."""
    if spec.preprocessing is None:
        raise UsageError(
            f"checkpoint {path} does not say what becomes of a picture of {spec.input_shape[2]} x"
            f" {spec.input_shape[3]} before {spec.name} sees it",
            "name weights that pocketbench train made, for this input size",
        )
    return TrainedNetwork(asked=spec, spec=spec, preprocessing=spec.preprocessing, training=read_training(path))


def agree_on_pictures(networks: Sequence[TrainedNetwork]) -> Preprocessing:
    """The preprocessing of all networks; only the normalisation may differ.

    Raises: UsageError when their pictures can't stand in one row.
    """
    first = networks[0]
    for other in networks:
        if replace(other.preprocessing, mean=(), std=()) != replace(first.preprocessing, mean=(), std=()):
            raise UsageError(
                f"{first.spec.name} and {other.spec.name} see pictures of different sizes or cuts",
                "put them into a suite each",
            )
    return first.preprocessing


def describe_weights(network: TrainedNetwork) -> str:
    training = network.training
    if training is None:
        return f"{network.spec.checkpoint}, sha256 {network.spec.checkpoint_sha256}"
    return (
        f"trained on {training.dataset}, {len(training.epochs)} epochs, seed {training.seed}: top-1"
        f" {100 * training.top1_fraction:.1f} % of its {training.test_count} test pictures;"
        f" sha256 {(network.spec.checkpoint_sha256 or '')[:8]}"
    )


def list_names(specs: Sequence[ModelSpec]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(specs) - SHOWN_NAMES} more" if len(specs) > SHOWN_NAMES else ""
    return ", ".join(spec.name for spec in specs[:SHOWN_NAMES]) + more
