"""A model as it is trained, and the forms of it that are written for each target."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from pocketbench.blocks.build import build_model, weights_digest
from pocketbench.blocks.lowering.lower import choose_forms, lower_model
from pocketbench.blocks.lowering.site import Form
from pocketbench.blocks.model_facts import count_model_facts
from pocketbench.core.records import ModelSpec
from pocketbench.export.preparation import PreparedModel, prepare_model


class ModelForms:
    """The model of a spec, built once. `asked` is the spec, `built` is the same with the hash of the weights.

    Raises: what build_model and prepare_model raise.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self.asked = spec
        self.model = build_model(spec)
        self.built = replace(spec, weights_sha256=weights_digest(self.model))
        self.model_facts = count_model_facts(self.model, spec.input_shape)
        self._prepared: dict[tuple[Form | None, ...], PreparedModel] = {}

    def prepare(self, lowering: str | None) -> PreparedModel:
        """The model ready for the converters, its blocks in the forms for `lowering`; None: as they are trained.

        Targets that choose the same forms share one.
        """
        choices = choose_forms(self.model, lowering) if lowering is not None else []
        forms = tuple(choice.rule.form if choice.rule else None for choice in choices)
        forms = forms if any(forms) else ()
        if forms not in self._prepared:
            lowered = lower_model(self.model, lowering) if forms and lowering is not None else None
            self._prepared[forms] = prepare_model(self.model, self.asked.input_shape, lowered=lowered)
        return self._prepared[forms]

    def hash_graph(self) -> str:
        """What was built: the operators and constants of the graph as it is trained."""
        exported = self.prepare(None).exported
        code = "\n".join(f"{node.op} {node.target} {node.args} {node.kwargs}" for node in exported.graph.nodes)
        return hashlib.sha256((code + weights_digest(exported.module())).encode()).hexdigest()
