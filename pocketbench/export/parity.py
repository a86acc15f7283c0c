"""Does the file compute what the network computes? Inputs, the reference, the comparison and its tolerances."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from pocketbench.core.errors import ModelFault, ParityError
from pocketbench.core.records import Parity

INPUT_COUNT = 4
MIN_OUTPUT_SPREAD_RATIO = 5e-3
"""Below this the inputs change the output by less than 0.5% of its size: float32 rounding, 1e-7 of that size and more
after each layer, would come near the tolerances."""


def make_inputs(input_shape: Sequence[int], seed: int) -> list[np.ndarray]:
    """Images that differ in the mean, the contrast, and along each axis.

    Plain noise averages out in every pooling, so that all noise images give nearly the same output, and a file that
    swaps height and width would still look right. Shape: each (N, C, H, W), float32.
    """
    random = np.random.default_rng(seed)
    rows = np.linspace(-1, 1, input_shape[-2], dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, input_shape[-1], dtype=np.float32)[None, :]
    images = []
    for _ in range(INPUT_COUNT):
        image = random.standard_normal(input_shape) * random.uniform(0.3, 1.0)
        for axis in (rows, columns):
            phase = random.uniform(0, np.pi, (*input_shape[:-2], 1, 1))
            image = image + random.uniform(0.3, 1.0) * np.sin(random.uniform(1, 4) * np.pi * axis + phase)
        offset = random.uniform(-0.5, 0.5, (*input_shape[:-2], 1, 1))
        images.append((image + offset).astype(np.float32))
    return images


def run_reference(model: torch.nn.Module, inputs: Sequence[np.ndarray]) -> list[list[np.ndarray]]:
    """The network's own outputs, for each input a list of arrays.

    Raises: ModelFault when the network fails, or gives something else than tensors.
    """
    results = []
    for image in inputs:
        try:
            with torch.inference_mode():
                outputs = model(torch.from_numpy(image))
        except Exception as error:
            raise ModelFault(
                f"the model failed on an input of shape {list(image.shape)}: {type(error).__name__}: {error}",
                "pass the --input-size it was made for; its forward must take one image tensor",
            ) from error
        leaves = torch.utils._pytree.tree_leaves(outputs)
        if not leaves or not all(isinstance(leaf, torch.Tensor) for leaf in leaves):
            raise ModelFault(
                f"the model returned {type(outputs).__name__}", "its forward must return a tensor or several tensors"
            )
        results.append([leaf.float().numpy() for leaf in leaves])
    return results


def measure_spread(outputs: Sequence[Sequence[np.ndarray]]) -> list[tuple[float, float]]:
    """For each output the root mean square of what the inputs change in it, and that of the output itself."""
    spreads = []
    for values in zip(*outputs, strict=True):
        stacked = np.stack([value.astype(np.float64) for value in values])
        change = stacked - stacked.mean(axis=0)
        spreads.append((float(np.sqrt(np.mean(change**2))), float(np.sqrt(np.mean(stacked**2)))))
    return spreads


def check_spread(outputs: Sequence[Sequence[np.ndarray]]) -> float:
    """The smallest spread ratio of the outputs.

    Raises: ModelFault when an output is not finite, or hardly depends on the input: then parity proves nothing.
    """
    if not all(np.isfinite(value).all() for values in outputs for value in values):
        raise ModelFault("the model's output is not finite", "check its weights; --weights random draws healthy ones")
    ratio = min(change / size if size > 0 else 0.0 for change, size in measure_spread(outputs))
    if ratio < MIN_OUTPUT_SPREAD_RATIO:
        raise ModelFault(
            f"the model's output hardly depends on its input (spread {ratio:.1e} of its size), so comparing a "
            "converted file with it would prove nothing",
            "load trained weights in the function, or pass --weights random to draw weights and statistics",
        )
    return ratio


def compare_outputs(
    expected: Sequence[Sequence[np.ndarray]],
    found: Sequence[Sequence[np.ndarray]],
    *,
    tolerance: float,
    runtime: str,
) -> Parity:
    """The comparison of a file's outputs with the network's.

    relative error = max |found - expected| / rms(expected - mean of expected over the inputs), worst of the outputs.

    Raises: ParityError when shapes differ, a value is not finite, or the relative error exceeds the tolerance.
    """
    spread_ratio = check_spread(expected)
    worst_absolute, worst_relative = 0.0, 0.0
    for index, (change, _) in enumerate(measure_spread(expected)):
        for wanted, got in zip(expected, found, strict=True):
            if len(got) != len(wanted) or got[index].shape != wanted[index].shape:
                raise ParityError(
                    f"{runtime} returned shapes {[list(value.shape) for value in got]}, "
                    f"the model {[list(value.shape) for value in wanted]}",
                    "report it: the converter changed the outputs",
                )
            error = float(np.max(np.abs(got[index].astype(np.float64) - wanted[index])))
            if not np.isfinite(error):
                error = float("inf")
            worst_absolute = max(worst_absolute, error)
            worst_relative = max(worst_relative, error / change)
    if worst_relative > tolerance:
        raise ParityError(
            f"{runtime} differs from the model by {worst_relative:.1e} of the output's spread "
            f"(max |error| {worst_absolute:.1e}); {tolerance:.0e} is allowed",
            "the file was not kept; another format or precision may convert, or report the operator",
        )
    return Parity(
        reference=f"torch {torch.__version__} eager float32",
        runtime=runtime,
        input_count=len(expected),
        max_abs_error=worst_absolute,
        relative_error=worst_relative,
        relative_tolerance=tolerance,
        output_spread_ratio=spread_ratio,
    )
