"""From a network as it is trained to the one that is written for a target."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from torch import nn

from pocketbench.blocks.lowering.rules import find_rule
from pocketbench.blocks.lowering.site import Site
from pocketbench.blocks.lowering.sites import Place, find_places

AS_TRAINED = "as trained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The form that a site got, under which condition, and why."""

    site: Site
    form: str
    condition: str
    reason: str


def choose_forms(model: nn.Module, target: str) -> list[Choice]:
    """What `lower_model` does to each attention block of `model`, in the order of its modules."""
    return [_choose(place.site, target) for place in find_places(model)]


def lower_model(model: nn.Module, target: str) -> nn.Module:
    """A copy of `model`, in evaluation mode, with each attention block in the form that costs least on `target`.

    The copy computes what `model` computes, with the same weights; it is for export and can't be trained further.
    """
    lowered = copy.deepcopy(model).eval()
    for place in find_places(lowered):
        _lower_place(place, target)
    return lowered


def _choose(site: Site, target: str) -> Choice:
    rule = find_rule(site, target)
    if rule is None:
        return Choice(site=site, form=AS_TRAINED, condition="always", reason="no form is known to be cheaper")
    return Choice(site=site, form=rule.form.name, condition=rule.condition, reason=rule.reason)


def _lower_place(place: Place, target: str) -> None:
    rule = find_rule(place.site, target)
    if rule is None:
        return
    setattr(place.parent, place.name, rule.form.build(place.site).eval())
    if rule.form.takes_projection:
        for name in place.projection_names:
            setattr(place.parent, name, nn.Identity())
