"""A profile tells the network's projection from the block's own operators by the name that every form gives it."""

from __future__ import annotations

import pytest

from pocketbench.blocks.lowering.lower import choose_forms, lower_model
from pocketbench.profile.operators.places import FORMS, PROJECTION_NAMES
from tests.blocks.lowering.test_onnx_forms import SIZES, TARGETS, make_model

KINDS = ("se", "eca", "cbam", "cbam_channel", "ca", "ca_x", "ca_y")


@pytest.mark.parametrize("kind", KINDS)
def test_a_form_names_the_projection_that_it_takes(kind: str) -> None:
    seen = set()
    for size in SIZES:
        for channels in (48, 40):
            model = make_model(kind, channels, size, "hard_sigmoid")
            for target in (*TARGETS, "tflite"):
                (choice,) = choose_forms(model, target)
                if choice.rule is None:
                    continue
                form = lower_model(model, target).get_submodule(choice.site.name)
                assert type(form).__module__.startswith(FORMS)
                names = [path for path, _ in form.named_modules() if path.rpartition(".")[2] in PROJECTION_NAMES]
                assert len(names) == (1 if choice.rule.form.takes_projection else 0), choice.rule.form.name
                seen.add(choice.rule.form.takes_projection)
    assert True in seen
