"""The form that each attention block of a model gets for a target, and why."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from pocketbench.core.records import ModelSpec

AS_TRAINED = "as trained"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedSite:
    """A block's place, its map, and the form that was chosen.

    `outputs` are the channels behind the projection that follows, None where none does. `takes_projection` says that
    the form stands for that projection too.
    """

    name: str
    block: str
    channels: int
    size: tuple[int, int]
    outputs: int | None
    form: str
    takes_projection: bool
    condition: str
    reason: str

    def to_plain(self) -> dict[str, Any]:
        return asdict(self)


def explain_model(spec: ModelSpec, target: str) -> list[ExplainedSite]:
    """The sites of the spec's model in the order of its modules. Raises: as build_model."""
    from pocketbench.blocks.build import build_model
    from pocketbench.blocks.lowering.lower import choose_forms
    from pocketbench.workflow.model_forms import find_model_projections, rewrite_model

    model = build_model(replace(spec, weights="given"))  # no form depends on the weights
    if spec.rewrite:
        model = rewrite_model(model, spec).model
    sites = []
    for choice in choose_forms(model, target, find_model_projections(model, spec)):
        site, rule = choice.site, choice.rule
        sites.append(
            ExplainedSite(
                name=site.name,
                block=site.kind,
                channels=site.channels,
                size=site.size,
                outputs=site.projection.out_channels if site.projection is not None else None,
                form=rule.form.name if rule else AS_TRAINED,
                takes_projection=rule is not None and rule.form.takes_projection,
                condition=rule.condition if rule else "no rule",
                reason=rule.reason if rule else "no cheaper form is known",
            )
        )
    return sites
