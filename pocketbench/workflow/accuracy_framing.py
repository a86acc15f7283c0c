"""How the pictures for somebody else's file are prepared, as a user says it."""

from __future__ import annotations

from pocketbench.accuracy.preprocessing_rules import CHANNEL_COUNTS, INTERPOLATIONS, check_preprocessing
from pocketbench.accuracy.recipe import Framing
from pocketbench.core.errors import UsageError
from pocketbench.core.records import Preprocessing

SPLIT = "test"
"""What files are judged by: the other one is for training."""
EXAMPLE = "--mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 --resize 256 --interpolation bilinear"


def parse_framing(
    *, mean: str | None, std: str | None, resize: int | None, crop: str | None, interpolation: str | None
) -> Framing | None:
    """The options of a command; None where none is given.

    Raises: UsageError for one without the others that it needs.
    """
    if all(value is None for value in (mean, std, resize, crop, interpolation)):
        return None
    if mean is None or std is None:
        raise UsageError(
            f"--{'mean' if mean is None else 'std'} is missing: how pictures are prepared is said whole or not at all",
            f"for example {EXAMPLE}",
        )
    if interpolation is None and (resize is not None or crop == "squash"):
        raise UsageError(
            "--interpolation is missing: pictures are resized",
            f"name the one of the training: {', '.join(INTERPOLATIONS)}",
        )
    framing = Framing(
        crop=crop or "center",
        resize=resize,
        interpolation=interpolation,
        mean=parse_numbers("mean", mean),
        std=parse_numbers("std", std),
    )
    frame_for(framing, max(len(framing.mean), len(framing.std)), (1, 1))
    return framing


def parse_numbers(name: str, text: str) -> tuple[float, ...]:
    """ "0.485,0.456,0.406". Raises: UsageError."""
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"--{name} {text!r} is no list of numbers", f"for example {EXAMPLE}") from error
    if len(numbers) not in CHANNEL_COUNTS:
        raise UsageError(f"--{name} {text!r} are {len(numbers)} numbers", "give one, or one each for red, green, blue")
    return numbers


def frame_for(framing: Framing, channels: int, size: tuple[int, ...]) -> Preprocessing:
    """What becomes of pictures for a file that takes so many channels and this size; one mean or std is for all.

    Raises: UsageError when it does not go with them.
    """
    mean, std = (values * channels if len(values) == 1 else values for values in (framing.mean, framing.std))
    preprocessing = Preprocessing(
        size=size,
        channels=channels,
        crop=framing.crop,
        resize=framing.resize,
        interpolation=framing.interpolation,
        mean=mean,
        std=std,
    )
    try:
        check_preprocessing(preprocessing)
    except UsageError as error:
        raise UsageError(f"--{error.what}", error.cure) from error
    return preprocessing
