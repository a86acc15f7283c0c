"""From a network as it is trained to the one that is written for a target."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from torch import nn

from pocketbench.blocks.lowering.rule import Rule
from pocketbench.blocks.lowering.rules import find_rule
from pocketbench.blocks.lowering.site import Site
from pocketbench.blocks.lowering.sites import Place, Projections, find_places, find_projections


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The rule that gave a site its form; None where the block is written as it is trained."""

    site: Site
    rule: Rule | None


def choose_forms(model: nn.Module, target: str, projections: Projections | None = None) -> list[Choice]:
    """What `lower_model` does to each attention block of `model`, in the order of its modules."""
    places = find_places(model, find_projections(model) if projections is None else projections)
    return [Choice(site=place.site, rule=find_rule(place.site, target)) for place in places]


def lower_model(model: nn.Module, target: str, projections: Projections | None = None) -> nn.Module:
    """A copy of `model`, in evaluation mode, with each attention block in the form that costs least on `target`.

    The copy computes what `model` computes, with the same weights; it is for export and can't be trained further.

    Args:
        projections: of a network whose blocks do not stand in Sequentials, from `find_projections`; one search serves
            all targets.
    """
    lowered = copy.deepcopy(model).eval()
    for place in find_places(lowered, find_projections(model) if projections is None else projections):
        _lower_place(lowered, place, target)
    return lowered


def _lower_place(model: nn.Module, place: Place, target: str) -> None:
    rule = find_rule(place.site, target)
    if rule is None:
        return
    model.set_submodule(place.site.name, rule.form.build(place.site).eval())
    if rule.form.takes_projection:
        for path in place.projection_paths:
            model.set_submodule(path, nn.Identity())
