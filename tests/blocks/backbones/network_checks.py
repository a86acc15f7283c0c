"""The checks that every backbone passes: healthy random weights, and a file that computes what the network computes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from pocketbench.blocks.build import build_model
from pocketbench.core.records import GraphFacts, ModelSpec
from pocketbench.export.preparation import prepare_model


def build_small(backbone: str, **fields: object) -> nn.Module:
    """The network with random weights; small, unless `fields` say otherwise."""
    return build_model(make_small_spec(backbone, **fields))


def make_small_spec(backbone: str, **fields: object) -> ModelSpec:
    chosen: dict[str, object] = {"class_count": 7, "input_shape": (1, 3, 64, 64), "weights": "random", "seed": 0}
    return ModelSpec(backbone=backbone, **(chosen | fields))  # type: ignore[arg-type]


def list_outputs(model: nn.Module, x: Tensor) -> list[Tensor]:
    with torch.no_grad():
        outputs = model(x)
    return list(outputs) if isinstance(outputs, tuple) else [outputs]


def check_rounding_errors(backbone: str, *, tolerance: float = 1e-4, **fields: object) -> None:
    """A float32 network against itself in float64: within 1e-4 of what tells inputs apart; and it tells them apart."""
    model = build_small(backbone, **fields)
    shape = make_small_spec(backbone, **fields).input_shape
    x = torch.randn((4, *shape[1:]), generator=torch.Generator().manual_seed(1))
    single = list_outputs(model, x)
    exact = list_outputs(model.double(), x.double())
    for found, expected in zip(single, exact, strict=True):
        spread = (expected - expected.mean(0)).square().mean().sqrt()
        assert spread > 0.05 * expected.square().mean().sqrt()
        assert (found.double() - expected).abs().max() < tolerance * spread


def export_small(backbone: str, written: ModuleType, path: Path, **fields: object) -> GraphFacts:
    """Convert, compare with the network (raises ParityError), and read what the file holds."""
    spec = make_small_spec(backbone, **fields)
    prepared = prepare_model(build_model(spec), spec.input_shape)
    written.convert(prepared.exported, path, "fp32")
    written.verify(path, prepared, "fp32")
    facts: GraphFacts = written.read_graph_facts(path)
    return facts


def find_slots(model: nn.Module, attention: type[nn.Module]) -> Iterator[tuple[nn.Module, nn.Module]]:
    """For each attention block of a Sequential the layers that stand before and behind it."""
    for parent in model.modules():
        if isinstance(parent, nn.Sequential):
            layers = list(parent)
            for before, layer, behind in zip(layers, layers[1:], layers[2:], strict=False):
                if isinstance(layer, attention):
                    yield before, behind
