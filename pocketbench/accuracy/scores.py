"""From scores to right and wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pocketbench.accuracy.datasets.dataset import Labels
from pocketbench.core.errors import MeasurementFault

TOP5_CLASSES = 6
"""With five classes or fewer every picture is right in its five best."""


def rank_labels(scores: NDArray[Any], labels: Labels) -> NDArray[np.int64]:
    """How many classes are ahead of each picture's own: 0 is right by top-1, below 5 by top-5.

    Of equal scores the class with the lower number is ahead, as argmax has it.

    Shape: scores (N, classes), labels (N), to (N).

    Raises: MeasurementFault when a score is no number.
    """
    if scores.dtype.kind == "f" and np.isnan(scores).any():
        raise MeasurementFault(
            "a score is no number (NaN)",
            "the file computes what overflows: check its preprocessing, or its precision",
        )
    own = scores[np.arange(len(labels)), labels][:, None]
    equal_and_lower = (scores == own) & (np.arange(scores.shape[1]) < labels[:, None])
    ranks: NDArray[np.int64] = ((scores > own) | equal_and_lower).sum(axis=1, dtype=np.int64)
    return ranks


def count_right(ranks: NDArray[np.int64], best: int) -> int:
    """How many labels are among the `best` classes. What was not judged has the rank -1."""
    return int(np.count_nonzero((ranks >= 0) & (ranks < best)))
