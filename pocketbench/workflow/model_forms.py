"""A model as it is trained, and the forms of it that are written for each target."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import torch
from torch import nn

from pocketbench.blocks.build import build_model, weights_digest
from pocketbench.blocks.lowering.lower import choose_forms, lower_model
from pocketbench.blocks.lowering.site import Form
from pocketbench.blocks.lowering.sites import Projections, find_projections
from pocketbench.blocks.model_facts import count_model_facts
from pocketbench.blocks.model_runs import draw_input
from pocketbench.blocks.rewriting.rewrite import Rewritten, make_export_friendly
from pocketbench.core.records import ModelSpec
from pocketbench.export.preparation import PreparedModel, prepare_model


def rewrite_model(model: nn.Module, spec: ModelSpec) -> Rewritten:
    """The model with what exports badly exchanged, as its spec asks. Raises: as make_export_friendly."""
    example = draw_input(spec.input_shape, torch.Generator().manual_seed(spec.seed))
    return make_export_friendly(model, example, swap_gates=spec.swap_gates)


def find_model_projections(model: nn.Module, spec: ModelSpec) -> Projections:
    """What stands behind the model's blocks: backbones of the catalogue say so, of another network its graph tells."""
    return find_projections(model, spec.input_shape if ":" in spec.backbone else None)


class ModelForms:
    """The model of a spec, built once. `asked` is the spec, `built` is the same with the hash of the weights.

    `rewriting` says what was exchanged, None where nothing was to be. A file of a rewritten network is compared with
    the network as it was, unless its gates were swapped.

    Raises: what build_model, rewrite_model and prepare_model raise.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self.asked = spec
        self.model = self.reference = build_model(spec)
        self.built = replace(spec, weights_sha256=weights_digest(self.model))
        self.model_facts = count_model_facts(self.model, spec.input_shape)
        self.rewriting: tuple[str, ...] | None = None
        if spec.rewrite:
            rewritten = rewrite_model(self.model, spec)
            self.model, self.rewriting = rewritten.model, tuple(rewritten.report.lines())
            self.reference = self.reference if spec.swap_gates is None else rewritten.model
        self.projections = find_model_projections(self.model, spec)
        self._prepared: dict[tuple[Form | None, ...], PreparedModel] = {}

    def prepare(self, lowering: str | None) -> PreparedModel:
        """The model ready for the converters, its blocks in the forms for `lowering`; None: as they are trained.

        Targets that choose the same forms share one.
        """
        choices = choose_forms(self.model, lowering, self.projections) if lowering is not None else []
        forms = tuple(choice.rule.form if choice.rule else None for choice in choices)
        forms = forms if any(forms) else ()
        if forms not in self._prepared:
            lowered = (
                lower_model(self.model, lowering, self.projections) if forms and lowering is not None else self.model
            )
            self._prepared[forms] = prepare_model(self.reference, self.asked.input_shape, lowered=lowered)
        return self._prepared[forms]

    def hash_graph(self) -> str:
        """What was built: the operators and constants of the graph as it is trained."""
        exported = self.prepare(None).exported
        code = "\n".join(f"{node.op} {node.target} {node.args} {node.kwargs}" for node in exported.graph.nodes)
        return hashlib.sha256((code + weights_digest(exported.module())).encode()).hexdigest()
