"""One model from what a user wrote about it, on the command line or in a suite, checked without building it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from pocketbench.core.errors import UnknownNameError, UsageError
from pocketbench.core.records import ModelSpec

WIDTH_RANGE = (0.05, 8.0)
MAX_SIDE = 4096
MAX_CHANNELS = 4096
MAX_CLASSES = 100_000


def make_spec(
    model: str,
    *,
    width: float | None = None,
    attention: str | None = None,
    reduction: int | None = None,
    gate: str | None = None,
    classes: int | None = None,
    input_size: str | None = None,
    channels: int | None = None,
    weights: str | None = None,
    seed: int | None = None,
    checkpoint: str | None = None,
    rewrite: bool = False,
    swap_gates: str | None = None,
) -> ModelSpec:
    """The spec of a model; None stands for what was not said.

    Args:
        model: a backbone of the catalogue, "timm:NAME", or "package.module:function".
        input_size: "224", or "192x256" (height x width).
        checkpoint: the file of its weights; it is hashed, and read only when the model is built.
        rewrite: exchange what exports badly (blocks.make_export_friendly).
        swap_gates: the gate that then stands for the sigmoids of attention blocks.

    Raises:
        UnknownNameError: for a backbone, block or gate that does not exist.
        UsageError: for a number out of range, or an option that does not go with the model.
        FileFault: when the checkpoint is no file, or too large.
    """
    if checkpoint is not None:
        for name, other in (("weights", weights if weights != "given" else None), ("seed", seed)):
            if other is not None:
                raise UsageError(f"{name} {other!r} does not go with checkpoint {checkpoint}", "leave one of them out")
        weights = None
    check_rewriting(model, rewrite, swap_gates)
    height, side = parse_input_size(input_size or "224")
    check_range("channels", channels, 1, MAX_CHANNELS)
    check_range("seed", seed, 0, 2**32 - 1)
    shape = (1, channels or 3, height, side)
    check_range("classes", classes, 1, MAX_CLASSES)
    if ":" in model:
        options: dict[str, object] = {"width": width, "attention": attention, "reduction": reduction, "gate": gate}
        if not model.startswith("timm:"):
            options["classes"] = classes
        for name, value in options.items():
            if value is not None:
                raise UsageError(
                    f"{name} {value!r} does not go with {model!r}", "only backbones of the catalogue take it"
                )
        spec = _make_foreign_spec(model, shape, weights, seed, classes)
        return add_checkpoint(replace(spec, rewrite=rewrite, swap_gates=swap_gates), checkpoint)
    if weights == "given":
        raise UsageError(f"{model} comes with random weights", "name the file of its own: --checkpoint FILE")
    check_range("width", width, *WIDTH_RANGE)
    spec = _make_catalogue_spec(model, shape, width or 1.0, attention, reduction, gate, classes, seed or 0)
    return add_checkpoint(spec, checkpoint)


def check_rewriting(model: str, rewrite: bool, swap_gates: str | None) -> None:
    """Raises: UsageError, UnknownNameError."""
    from pocketbench.blocks.catalog import SWAPPED_GATES

    if rewrite and ":" not in model:
        raise UsageError(f"rewrite does not go with {model}", "backbones of the catalogue export well as they are")
    if swap_gates is not None:
        if not rewrite:
            raise UsageError(f"swap_gates {swap_gates!r} needs rewrite", "add --rewrite, or rewrite = true in a suite")
        if swap_gates not in SWAPPED_GATES:
            raise UnknownNameError("gate to swap in", swap_gates, SWAPPED_GATES)


def add_checkpoint(spec: ModelSpec, checkpoint: str | None) -> ModelSpec:
    """The spec with the weights of a file, if one is named. Raises: UsageError, FileFault."""
    if checkpoint is None:
        return spec
    from pocketbench.blocks.checkpoint_file import hash_checkpoint

    digest = hash_checkpoint(Path(checkpoint))
    spec = replace(spec, weights="given", checkpoint=checkpoint, checkpoint_sha256=digest)
    return add_training(spec, Path(checkpoint))


def add_training(spec: ModelSpec, checkpoint: Path) -> ModelSpec:
    """The spec with what its checkpoint says of the training; as it is where the checkpoint says nothing.

    Raises:
        UsageError: when the weights were trained for another network of the same shapes.
        FileFault: when the file can't be read.
    """
    from pocketbench.accuracy.training_record import read_training

    training = read_training(checkpoint)
    if training is None:
        return spec
    for name in ("backbone", "block", "gate"):  # other gates or blocks can have weights of the same names and shapes
        trained, asked = getattr(training.spec, name), getattr(spec, name)
        if trained != asked:
            option = "model" if name == "backbone" else "attention" if name == "block" else name
            cure = f"--{option} {trained}" if trained is not None else f"leave {option} out"
            raise UsageError(f"checkpoint {checkpoint} was trained with {name} {trained}, not {asked}", cure)
    # at another size it is not known what becomes of a picture
    fits = training.spec.input_shape[1:] == spec.input_shape[1:]
    return replace(
        spec,
        preprocessing=training.preprocessing if fits else None,
        recipe_sha256=training.recipe_sha256,
    )


def parse_input_size(text: str) -> tuple[int, int]:
    """ "224" or "192x256" as height and width.

    Raises: UsageError for anything else, and above 4096.
    """
    match = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", text.strip())
    if match is None:
        raise UsageError(f"{text!r} is no input size", "write 224, or 192x256 (height x width)")
    height = int(match[1])
    width = int(match[2] or height)
    check_range("input size", min(height, width), 1, MAX_SIDE)
    check_range("input size", max(height, width), 1, MAX_SIDE)
    return height, width


def check_range(name: str, value: float | None, low: float, high: float) -> None:
    """Raises: UsageError when a value was given and is outside."""
    if value is not None and not low <= value <= high:
        raise UsageError(f"{name} is {value}", f"it can be {low} to {high}")


def _make_foreign_spec(
    model: str, shape: tuple[int, ...], weights: str | None, seed: int | None, classes: int | None
) -> ModelSpec:
    origin, _, name = model.partition(":")
    if not origin or not name:
        raise UsageError(f"{model!r} is no model", "write timm:NAME or package.module:function")
    if origin == "timm":
        if weights == "given":
            raise UsageError(f"{model} comes with random weights", "name the file of its own: --checkpoint FILE")
        return ModelSpec(backbone=model, class_count=classes, input_shape=shape, weights="random", seed=seed or 0)
    if weights != "random" and seed is not None:
        raise UsageError(f"seed {seed} has no effect on given weights", "add --weights random, or leave the seed out")
    return ModelSpec(backbone=model, input_shape=shape, weights=weights or "given", seed=seed or 0)


def _make_catalogue_spec(
    model: str,
    shape: tuple[int, ...],
    width: float,
    attention: str | None,
    reduction: int | None,
    gate: str | None,
    classes: int | None,
    seed: int,
) -> ModelSpec:
    from pocketbench.blocks.catalog import BACKBONES, BLOCKS, default_class_count, default_reduction

    BACKBONES.entry(model)
    if attention is None:
        for name, value in (("reduction", reduction), ("gate", gate)):
            if value is not None:
                raise UsageError(
                    f"{name} {value!r} needs an attention block", f"choose one: {', '.join(BLOCKS.names())}"
                )
    else:
        BLOCKS.entry(attention)
        if default_reduction(attention) is None and reduction is not None:
            raise UsageError(f"{attention} has no reduction ratio", "leave it out")
        check_range("reduction", reduction, 1, MAX_CHANNELS)
        reduction = reduction or default_reduction(attention, model)
        gate = _choose_gate(attention, gate)
    return ModelSpec(
        backbone=model,
        block=attention,
        width_ratio=width,
        reduction_ratio=reduction,
        gate=gate,
        class_count=classes or default_class_count(model),
        input_shape=shape,
        seed=seed,
    )


def _choose_gate(attention: str, gate: str | None) -> str | None:
    """The gate that was named, else the usual one; None for a block that has no choice."""
    from pocketbench.blocks.catalog import BLOCKS, GATES
    from pocketbench.blocks.entries.entry import BlockEntry

    entry = BLOCKS.entry(attention)
    if isinstance(entry, BlockEntry) and not entry.has_gate:
        if gate is not None:
            raise UsageError(f"{attention} has no gate to choose, got {gate!r}", "leave it out")
        return None
    if gate is not None and gate not in GATES:
        raise UnknownNameError("gate", gate, GATES)
    return gate or GATES[0]
