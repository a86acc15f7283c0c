"""Does a quantised file still compute what the network computes? The comparison of its outputs, in decibels.

A file of 8 bits is never within a thousandth of the network, so that its outputs alone can't tell a small fault from
rounding. They are one of two checks: `compare_weights` compares each stored tensor with the one it was made from,
exactly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from pocketbench.core.errors import ParityError
from pocketbench.core.records import Parity
from pocketbench.export.parity import compare_outputs, measure_spread

CURE = "the file was not kept; export the format in a float precision, or report the model"


def compare_noise(
    expected: Sequence[Sequence[np.ndarray]],
    found: Sequence[Sequence[np.ndarray]],
    *,
    tolerance: float,
    runtime: str,
    weights_checked: int,
) -> Parity:
    """The comparison of a quantised file's outputs with the network's.

    relative error = rms(found - expected) / rms(expected - mean of expected over the inputs), worst of the outputs; in
    decibels -20 log10 of it.

    Raises: ParityError when shapes differ, a value is not finite, or the relative error exceeds the tolerance.
    """
    parity = compare_outputs(expected, found, tolerance=float("inf"), runtime=runtime)
    ratios = []
    for index, (change, _) in enumerate(measure_spread(expected)):
        errors = [np.mean((got[index] - wanted[index]) ** 2) for wanted, got in zip(expected, found, strict=True)]
        ratios.append(float(np.sqrt(np.mean(errors))) / change)
    worst = max(ratios) if np.isfinite(ratios).all() else float("inf")
    if worst > tolerance:
        raise ParityError(
            f"{runtime}: the quantised file's error is {worst:.2g} of what the inputs change in the output (rms); "
            f"{tolerance:.2g} is allowed",
            CURE,
        )
    return replace(
        parity,
        relative_error=worst,
        relative_tolerance=tolerance,
        error_measure="rms",
        agreement_fraction=measure_agreement(expected, found),
        weights_checked=weights_checked,
    )


def measure_agreement(expected: Sequence[Sequence[np.ndarray]], found: Sequence[Sequence[np.ndarray]]) -> float | None:
    """The fraction of inputs whose largest output is the same; None where the output is no vector of classes."""
    if len(expected[0]) != 1 or expected[0][0].ndim != 2 or expected[0][0].shape[1] < 2:
        return None
    same = [np.mean(got[0].argmax(1) == wanted[0].argmax(1)) for wanted, got in zip(expected, found, strict=True)]
    return float(np.mean(same))


def compare_weights(
    stored: Mapping[str, np.ndarray], steps: Mapping[str, np.ndarray], twin: Mapping[str, np.ndarray]
) -> int:
    """That each quantised tensor is the one it was made from, rounded. Returns: how many were compared.

    Args:
        stored: the tensors of the quantised file, as the numbers that they stand for.
        steps: for each of them the distance of neighbouring numbers; an element differs by half of it at most.
        twin: the tensors of the file that it was made from.

    Raises: ParityError that names the first that is another one.
    """
    for name, value in stored.items():
        if name not in twin or twin[name].shape != value.shape:
            raise ParityError(f"the quantised file holds the weight {name!r}, which its twin does not have", CURE)
        # rounding of the division, and of the step that is stored in float32
        allowed = steps[name] * 0.502 + 1e-7 * np.abs(twin[name])
        wrong = np.abs(value.astype(np.float64) - twin[name]) > allowed
        if wrong.any():
            raise ParityError(
                f"{int(wrong.sum())} of {value.size} values of the weight {name!r} are not those of the float file",
                CURE,
            )
    return len(stored)
