"""Which pictures a quantised file is calibrated on, and those pictures."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pocketbench.accuracy.recipe import Framing
from pocketbench.core.errors import FileFault, UsageError
from pocketbench.core.paired_accuracies import choose_pictures
from pocketbench.core.records import Calibration, ModelSpec, Preprocessing
from pocketbench.core.targets import CalibrationData, FormatTarget

if TYPE_CHECKING:
    import numpy as np

SPLIT = "train"
"""Never the split that accuracies are judged on."""
PICTURE_COUNT = 256
CHECK_COUNT = 32
MIN_PICTURE_COUNT = 16
CURE = "add --calibrate DATASET, in a suite calibrate = DATASET"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Ranges are set by `inputs`; the file is verified on `checks`. Shape: each (1, C, H, W), float32."""

    inputs: Sequence[np.ndarray]
    checks: Sequence[np.ndarray]
    record: Calibration


def attach_calibration(
    spec: ModelSpec, target: FormatTarget, data: str | None, framing: Framing | None = None
) -> FormatTarget:
    """The target with the pictures that it is calibrated on, where it is; the target itself where not.

    Args:
        data: a data set, as the user named it; None where nothing was said.
        framing: how its pictures are prepared, for weights that do not say so themselves.

    Raises: UsageError when a network with trained weights has no pictures, or no way to prepare them.
    """
    if not target.is_calibrated or spec.weights == "random":
        return target  # a network of drawn weights recognises no picture: random inputs do for its latency
    if data is None:
        raise UsageError(f"{spec.name} {target} needs pictures to set the ranges of its activations", CURE)
    preprocessing = find_preprocessing(spec, framing)
    return replace(target, calibration=CalibrationData(data=data, preprocessing=preprocessing))


def find_preprocessing(spec: ModelSpec, framing: Framing | None) -> Preprocessing:
    """What the network's pictures go through before it sees them. Raises: UsageError when nothing says so."""
    from pocketbench.workflow.accuracy_framing import EXAMPLE, frame_for

    _, channels, *size = spec.input_shape
    own = spec.preprocessing
    if own is not None:
        if framing is not None:
            raise UsageError(
                f"the checkpoint of {spec.name} says itself how its pictures are prepared", "leave --mean and --std out"
            )
        if (own.channels, *own.size) != (channels, *size):
            raise UsageError(
                f"{spec.name} takes inputs of {channels}x{size[0]}x{size[1]}, its weights were trained with "
                f"{own.channels}x{own.size[0]}x{own.size[1]}",
                "export it with the size of its training to calibrate it",
            )
        return own
    if framing is None:
        raise UsageError(
            f"nothing says how the pictures for {spec.name} are prepared",
            f"say it as they were for its training, for example {EXAMPLE}",
        )
    return frame_for(framing, channels, tuple(size))


@functools.lru_cache(maxsize=1)
def read_pictures(data: CalibrationData) -> Pictures:
    """An evenly spread choice of the training split: the same one each time.

    Raises:
        UnknownNameError: when there is no such data set.
        FileFault: when it can't be read, or some picture of the choice can't.
    """
    from pocketbench.accuracy.datasets.catalog import open_dataset
    from pocketbench.accuracy.datasets.dataset import read_framed, refuse_unreadable
    from pocketbench.accuracy.preprocessing import normalise

    dataset = open_dataset(data.data, SPLIT)
    if len(dataset) < MIN_PICTURE_COUNT:
        raise FileFault(
            f"{dataset.name}, {SPLIT}: {len(dataset)} pictures are too few to calibrate on",
            f"{MIN_PICTURE_COUNT} are needed, {PICTURE_COUNT + CHECK_COUNT} are taken",
        )
    framed = read_framed(dataset, data.preprocessing, choose_pictures(len(dataset), PICTURE_COUNT + CHECK_COUNT))
    refuse_unreadable(dataset, framed)
    images = [normalise(pixels, data.preprocessing)[None] for pixels in framed.pixels]
    apart = (PICTURE_COUNT + CHECK_COUNT) // CHECK_COUNT
    checks = images[apart // 2 :: apart]
    inputs = [image for place, image in enumerate(images) if place % apart != apart // 2]
    record = Calibration(
        source="pictures",
        image_count=len(inputs),
        inputs_sha256=hashlib.sha256(framed.pixels.tobytes()).hexdigest(),
        dataset=dataset.name,
        split=SPLIT,
        preprocessing=data.preprocessing,
    )
    return Pictures(inputs=inputs, checks=checks, record=record)
