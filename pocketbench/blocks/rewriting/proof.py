"""That two networks compute the same."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from pocketbench.blocks.model_runs import run_on
from pocketbench.core.errors import ModelFault

FLOAT64_TOLERANCE = 1e-6
FLOAT32_TOLERANCE = 1e-4
SMALLEST_SPREAD = 1e-6

Outputs = list[list[Tensor]]
"""For each input the tensors that a network returns."""


def tolerance_of(dtype: torch.dtype) -> float:
    return FLOAT64_TOLERANCE if dtype == torch.float64 else FLOAT32_TOLERANCE


def run_all(model: nn.Module, inputs: Sequence[Tensor]) -> Outputs:
    """Raises: ModelFault."""
    return [
        [leaf.detach().clone() for leaf in tree_leaves(run_on(model, x.clone())) if isinstance(leaf, Tensor)]
        for x in inputs
    ]


def largest_error(expected: Outputs, found: Outputs, *, to_spread: bool) -> float:
    """The largest absolute difference over the root mean square of the output; infinite when shapes or kinds differ.

    Args:
        to_spread: over that of what the inputs change in the output, which a large constant does not hide.
    """
    if [len(one) for one in expected] != [len(one) for one in found]:
        return float("inf")
    worst = 0.0
    for ours, theirs in zip(zip(*found, strict=True), zip(*expected, strict=True), strict=True):
        if any(a.shape != b.shape or a.dtype != b.dtype for a, b in zip(ours, theirs, strict=True)):
            return float("inf")
        a, b = (torch.stack([one.double() for one in many]) for many in (ours, theirs))
        size = measure_spread(b) if to_spread else float(b.square().mean().sqrt())
        difference = float((a - b).abs().max()) if b.numel() else 0.0
        error = difference / size if size > 0 else (float("inf") if difference else 0.0)
        worst = max(worst, error) if error == error else float("inf")
    return worst


def measure_spread(outputs: Tensor) -> float:
    """The root mean square of the outputs (inputs, ...) around their mean over the inputs."""
    return float((outputs - outputs.mean(0)).square().mean().sqrt()) if outputs.numel() else 0.0


def check_outputs(outputs: Outputs) -> None:
    """Refuse outputs that can't be compared. Raises: ModelFault."""
    if not all(outputs):
        raise ModelFault("the network returns no tensor", "there is nothing to compare; return one")
    if not all(bool(leaf.isfinite().all()) for leaves in outputs for leaf in leaves):
        raise ModelFault("the network's outputs are not all finite", "check its weights; infinities prove nothing")


def check_spread(outputs: Outputs) -> None:
    """Refuse outputs whose comparison would prove nothing. Raises: ModelFault."""
    leaves = [torch.stack([leaf.double() for leaf in many]) for many in zip(*outputs, strict=True)]
    if all(measure_spread(leaf) <= SMALLEST_SPREAD * float(leaf.square().mean().sqrt()) for leaf in leaves):
        raise ModelFault("the network's output does not depend on its input", "nothing can be proved of it")
