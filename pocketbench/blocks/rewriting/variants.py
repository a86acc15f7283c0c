"""One network with several weights: its own and random ones, in float64 and float32."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pocketbench.blocks.model_runs import draw_input
from pocketbench.blocks.randomise import randomise_statistics
from pocketbench.blocks.rewriting.proof import (
    Outputs,
    check_outputs,
    check_spread,
    largest_error,
    run_all,
    tolerance_of,
)
from pocketbench.core.errors import ModelFault

RANDOM_INPUTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """The original with some weights, and what it returns for some inputs."""

    network: nn.Module
    inputs: list[Tensor]
    outputs: Outputs
    has_own_weights: bool

    @property
    def dtype(self) -> torch.dtype:
        return self.inputs[0].dtype

    def measure_error(self, rewrite: Callable[[nn.Module], nn.Module]) -> float:
        """How far a rewritten copy is off; infinite when it does not run."""
        try:
            found = run_all(rewrite(copy.deepcopy(self.network)), self.inputs)
        except ModelFault:
            return float("inf")
        # a network fresh from its constructor may hardly depend on its input: the random weights are there for that
        return largest_error(self.outputs, found, to_spread=not self.has_own_weights)


def make_variants(original: nn.Module, example: Tensor, generator: torch.Generator) -> list[Variant]:
    """Random weights first, and float64 before float32; without float64 where the network does not run in it.

    Raises:
        ModelFault: when the network does not run, or its outputs prove nothing.
    """
    shape = tuple(example.shape)
    inputs = [example.detach(), *(draw_input(shape, generator) for _ in range(RANDOM_INPUTS))]
    randomised = copy.deepcopy(original)
    randomise_statistics(randomised, shape, generator)
    variants = []
    for network in (randomised, original):
        for dtype in (torch.float64, torch.float32):
            variant = _make_variant(network, inputs, dtype, own=network is original)
            variants += [] if variant is None else [variant]
    for variant in variants:
        check_outputs(variant.outputs)
    check_spread(variants[0].outputs)
    return variants


def is_within_tolerance(variants: Sequence[Variant], rewrite: Callable[[nn.Module], nn.Module]) -> bool:
    return all(variant.measure_error(rewrite) <= tolerance_of(variant.dtype) for variant in variants)


def _make_variant(network: nn.Module, inputs: list[Tensor], dtype: torch.dtype, *, own: bool) -> Variant | None:
    copied = copy.deepcopy(network).to(dtype)
    given = [x.to(dtype) for x in inputs]
    try:
        outputs = run_all(copied, given)
    except ModelFault:
        if dtype == torch.float32:
            raise
        return None  # it makes float32 tensors of its own
    return Variant(network=copied, inputs=given, outputs=outputs, has_own_weights=own)
