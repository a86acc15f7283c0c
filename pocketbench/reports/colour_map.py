"""A colour for each of 256 values: inferno, whose lightness rises about evenly from black to light yellow.

Source: inferno.txt is the table of matplotlib (Nathaniel J. Smith and Stéfan van der Walt, CC0), rounded to bytes.
"""

from __future__ import annotations

import functools
from importlib import resources

import numpy as np
from numpy.typing import NDArray


@functools.cache
def read_colour_map() -> NDArray[np.uint8]:
    """Shape: (256, 3), red, green, blue."""
    text = resources.files("pocketbench.reports").joinpath("inferno.txt").read_text(encoding="ascii")
    return np.frombuffer(bytes.fromhex(text), np.uint8).reshape(256, 3)
