"""From a ModelSpec to its network."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pocketbench.blocks.catalog import BACKBONES
from pocketbench.blocks.checkpoint import load_checkpoint
from pocketbench.blocks.checkpoint_file import hash_checkpoint
from pocketbench.blocks.model_functions import call_model_function, find_model_function
from pocketbench.blocks.randomise import randomise_statistics
from pocketbench.blocks.randomness import seeded_randomness
from pocketbench.blocks.timm_models import import_timm, make_timm_model
from pocketbench.core.errors import FileFault, ModelFault, UsageError
from pocketbench.core.records import ModelSpec

TIMM = "timm:"
WEIGHTS = ("random", "given")


def build_model(spec: ModelSpec) -> nn.Module:
    """The network of `spec`, in evaluation mode; equal specs give equal weights, and global randomness stays as it is.

    weights "random": each layer's own initialisation from the seed, then `randomise_statistics`.
    weights "given": those of the checkpoint; without one, as the function returned them, and for other backbones each
    layer's own initialisation.

    Raises:
        UnknownNameError: when there is no such backbone, timm model, block or gate.
        UsageError: for a field out of range, or one that this backbone does not take.
        MissingPackageError: when the backbone needs a package that is not installed.
        FileFault: when the checkpoint can't be read, or is not the file that the spec names.
        ModelFault: when a user's function fails, the network does not run on the input shape, or its weights are not
            those that the spec names, or the checkpoint is of another network.
    """
    if spec.weights not in WEIGHTS:
        raise UsageError(f"weights is {spec.weights!r}", f"expected one of {', '.join(WEIGHTS)}")
    if spec.checkpoint is not None:
        check_checkpoint(spec.checkpoint, spec)
    with seeded_randomness(spec.seed):  # a module's top level may draw too, at its first import alone
        construct = find_constructor(spec)
    with seeded_randomness(spec.seed):
        model = construct().eval()
        if spec.weights == "random":
            randomise_statistics(model, spec.input_shape, torch.Generator().manual_seed(spec.seed))
    if spec.checkpoint is not None:
        load_checkpoint(model, Path(spec.checkpoint))
    if spec.weights == "given" and spec.weights_sha256 is not None:
        check_weights(model, spec)
    return model


def find_constructor(spec: ModelSpec) -> Callable[[], nn.Module]:
    """A function that makes the network as its constructor leaves it; what it needs is imported."""
    if spec.backbone.startswith(TIMM):
        refuse_fields(spec, "a timm model", ("block", "width_ratio", "reduction_ratio", "gate"))
        if len(spec.input_shape) < 2:
            raise UsageError(f"input shape {spec.input_shape} has no channels", "expected (N, C, H, W)")
        import_timm()
        name, channels = spec.backbone.removeprefix(TIMM), spec.input_shape[1]
        return partial(make_timm_model, name, in_channels=channels, class_count=spec.class_count)
    if ":" in spec.backbone:
        refuse_fields(spec, "a function", ("block", "width_ratio", "reduction_ratio", "gate", "class_count"))
        return partial(call_model_function, spec.backbone, find_model_function(spec.backbone), spec.seed)
    return find_catalogued(spec)


def find_catalogued(spec: ModelSpec) -> Callable[[], nn.Module]:
    backbone = BACKBONES.load(spec.backbone)
    if spec.block is None:
        refuse_fields(spec, "a backbone without block", ("reduction_ratio", "gate"))
    options: dict[str, Any] = {"input_shape": spec.input_shape}
    for field, keyword in (
        ("class_count", "class_count"),
        ("width_ratio", "width_ratio"),
        ("block", "block"),
        ("reduction_ratio", "reduction"),
        ("gate", "gate"),
    ):
        if getattr(spec, field) is not None:
            options[keyword] = getattr(spec, field)
    keywords = inspect.signature(backbone).parameters
    for keyword in options:
        if keyword not in keywords:
            raise UsageError(f"backbone {spec.backbone!r} takes no {keyword}", f"it takes: {', '.join(keywords)}")
    return partial(backbone, **options)


def refuse_fields(spec: ModelSpec, what: str, fields: tuple[str, ...]) -> None:
    for field in fields:
        value = getattr(spec, field)
        if value is not None:
            raise UsageError(f"{what} takes no {field}, got {value!r} for {spec.backbone!r}", f"leave {field} out")


def check_checkpoint(checkpoint: str, spec: ModelSpec) -> None:
    if spec.weights != "given":
        raise UsageError(f"weights {spec.weights!r} and checkpoint {checkpoint} exclude each other", "leave one out")
    digest = hash_checkpoint(Path(checkpoint))
    if digest != spec.checkpoint_sha256:
        raise FileFault(
            f"checkpoint {checkpoint} has sha256 {digest}, expected {spec.checkpoint_sha256}",
            "the file was replaced since it was named: start again",
        )


def check_weights(model: nn.Module, spec: ModelSpec) -> None:
    digest = weights_digest(model)
    if digest != spec.weights_sha256:
        raise ModelFault(
            f"the weights of {spec.backbone} have sha256 {digest}, expected {spec.weights_sha256}",
            "its function returns other weights than before",
        )


def weights_digest(model: nn.Module) -> str:
    """sha256 over name, type, shape and bytes of every entry of the state dict, in the order of the names."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        if isinstance(value, Tensor):
            digest.update(f"{name}|{value.dtype}|{tuple(value.shape)}|".encode())
            digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
        else:
            digest.update(f"{name}|{value!r}|".encode())
    return digest.hexdigest()
