"""Attention blocks in the form in which they were published: what the lowered forms are compared with.

Each computes what the block of the same name in pocketbench computes, with its weights and its gate, but written as in
the papers' code. Three things alone are edited, without which a converter refuses them: broadcasting stands for
`expand_as`, `amax` for `adaptive_max_pool2d`, and the strips of coordinate attention are split at fixed sizes.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

from torch import nn

from benchmarks.published.ca import PublishedCoordinateAttention
from benchmarks.published.cbam import PublishedCBAM, PublishedChannelAttention, PublishedSpatialAttention
from benchmarks.published.eca import PublishedECA
from benchmarks.published.se import PublishedSE
from pocketbench.blocks.attention.cbam import CBAM, ChannelAttention, SpatialAttention
from pocketbench.blocks.attention.coordinate import CoordinateAttention
from pocketbench.blocks.attention.eca import EfficientChannelAttention
from pocketbench.blocks.attention.se import SqueezeExcitation

PUBLISHED_FORMS: dict[type[nn.Module], Callable[..., nn.Module]] = {
    SqueezeExcitation: PublishedSE,
    EfficientChannelAttention: PublishedECA,
    CBAM: PublishedCBAM,
    ChannelAttention: PublishedChannelAttention,
    SpatialAttention: PublishedSpatialAttention,
    CoordinateAttention: PublishedCoordinateAttention,
}


def publish_model(model: nn.Module) -> nn.Module:
    """A copy of `model`, in evaluation mode, with each attention block in its published form.

    The weights stay, and so does the gate: build the model with the sigmoid of the papers.
    """
    published = copy.deepcopy(model).eval()
    _publish_children(published)
    return published.eval()


def _publish_children(parent: nn.Module) -> None:
    for name, child in list(parent.named_children()):
        form = PUBLISHED_FORMS.get(type(child))
        if form is None:
            _publish_children(child)
        else:
            setattr(parent, name, form(child))
