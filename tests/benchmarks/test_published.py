"""The published forms compute what the blocks compute, and are written otherwise."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmarks.published import publish_model
from tests.blocks import formula_checks

PUBLISHED = ("se", "eca", "cbam", "cbam_channel", "cbam_spatial", "ca")


@pytest.mark.parametrize("gate", formula_checks.GATES)
@pytest.mark.parametrize("size", [(8, 8), (5, 9)], ids=str)
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_form_computes_the_same(name: str, size: tuple[int, int], gate: str) -> None:
    block = formula_checks.make_random_block(name, 48, size, gate)
    model = nn.Sequential(nn.Sequential(nn.Conv2d(3, 48, 1), block), nn.Conv2d(48, 8, 1)).double()
    published = publish_model(model)
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    with torch.no_grad():
        expected = model(x)
        assert torch.allclose(published(x), expected, rtol=1e-9, atol=1e-9 * float(expected.abs().max()))
    assert type(block).__module__ not in {type(module).__module__ for module in published.modules()}
    assert model[0][1] is block


def test_every_kind_has_a_case() -> None:
    from benchmarks.published import PUBLISHED_FORMS

    assert len(PUBLISHED) == len(PUBLISHED_FORMS)
