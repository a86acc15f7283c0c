"""Whether a Preprocessing describes one. Needs no numpy, and no records: suites are checked by it, and the command line
knows its words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pocketbench.core.errors import UsageError

if TYPE_CHECKING:
    from pocketbench.core.records import Preprocessing

CHANNEL_COUNTS = (1, 3)
CROPS = ("center", "squash")
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos")


def check_preprocessing(preprocessing: Preprocessing) -> None:
    """Raises: UsageError, whose message begins with the field's name."""
    if len(preprocessing.size) != 2 or min(preprocessing.size) < 1:
        raise UsageError(f"size is {preprocessing.size}", "expected a height and a width above 0")
    if preprocessing.channels not in CHANNEL_COUNTS:
        raise UsageError(f"channels is {preprocessing.channels}", "expected 1 (grey) or 3 (RGB)")
    if preprocessing.crop not in CROPS:
        raise UsageError(f"crop is {preprocessing.crop!r}", f"expected {' or '.join(CROPS)}")
    if preprocessing.resize is not None and (preprocessing.crop == "squash" or preprocessing.resize < 1):
        raise UsageError(
            f"resize is {preprocessing.resize}", "it is the shorter side before a center crop, above 0; else left out"
        )
    _check_interpolation(preprocessing)
    for name, values in (("mean", preprocessing.mean), ("std", preprocessing.std)):
        if len(values) != preprocessing.channels or not all(map(math.isfinite, values)):
            raise UsageError(f"{name} is {list(values)}", f"expected {preprocessing.channels} of them, one a channel")
    if min(preprocessing.std) <= 0:
        raise UsageError(f"std is {list(preprocessing.std)}", "expected numbers above 0, on the scale 0 to 1")


def _check_interpolation(preprocessing: Preprocessing) -> None:
    name = preprocessing.interpolation
    if preprocessing.crop != "squash" and preprocessing.resize is None:
        if name is not None:
            raise UsageError(f"interpolation is {name!r}, and nothing is resized", "leave it out, or set resize")
    elif name not in INTERPOLATIONS:
        raise UsageError(f"interpolation is {name!r}", f"expected one of {', '.join(INTERPOLATIONS)}")
