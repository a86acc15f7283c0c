"""Global context against its formula, and against timm's block with the same weights."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from pocketbench.blocks.factory import make_block
from pocketbench.blocks.timm_models import import_timm
from pocketbench.core.errors import UsageError
from tests.blocks.formula_checks import SIZES, check_gradients, check_output, make_random_block
from tests.blocks.reference import Weights, matrix

OFFICIAL_NAMES = {
    "conv_mask.weight": (1, 48, 1, 1),
    "conv_mask.bias": (1,),
    "channel_add_conv.0.weight": (3, 48, 1, 1),
    "channel_add_conv.0.bias": (3,),
    "channel_add_conv.1.weight": (3, 1, 1),
    "channel_add_conv.1.bias": (3, 1, 1),
    "channel_add_conv.3.weight": (48, 3, 1, 1),
    "channel_add_conv.3.bias": (48,),
}
TIMM_NAMES = {
    "conv_attn": "conv_mask",
    "mlp_add.fc1": "channel_add_conv.0",
    "mlp_add.norm": "channel_add_conv.1",
    "mlp_add.fc2": "channel_add_conv.3",
}


def global_context(x: Tensor, weights: Weights) -> Tensor:
    scores = functional.conv2d(x, weights["conv_mask.weight"], weights["conv_mask.bias"]).flatten(1)
    z = torch.einsum("ncp,np->nc", x.flatten(2), scores.softmax(1))
    hidden = functional.linear(z, matrix(weights["channel_add_conv.0.weight"]), weights["channel_add_conv.0.bias"])
    gamma, beta = weights["channel_add_conv.1.weight"].flatten(), weights["channel_add_conv.1.bias"].flatten()
    hidden = functional.layer_norm(hidden, hidden.shape[1:], gamma, beta, eps=1e-5).relu()
    added = functional.linear(hidden, matrix(weights["channel_add_conv.3.weight"]), weights["channel_add_conv.3.bias"])
    return x + added[:, :, None, None].expand_as(x)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_output_is_that_of_the_formula(size: tuple[int, int]) -> None:
    for channels in (16, 72):
        check_output("gc", global_context, channels, size, None)


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_gradients_are_those_of_the_formula(training: bool) -> None:
    check_gradients("gc", global_context, None, training=training, has_statistics=False)


def test_weights_have_the_official_names_and_shapes() -> None:
    block = make_block("gc", channels=48, size=(9, 6))
    assert {name: tuple(value.shape) for name, value in block.state_dict().items()} == OFFICIAL_NAMES


def test_it_starts_as_an_identity() -> None:
    x = torch.randn(2, 48, 9, 6)
    assert torch.equal(make_block("gc", channels=48, size=(9, 6))(x), x)


def test_a_single_hidden_channel_is_refused() -> None:
    """Normalised by itself it is 0 for every map."""
    with pytest.raises(UsageError, match=r"reduction 16 leaves 1 of 31 channels.*up to 15"):
        make_block("gc", channels=31, size=(9, 6))


def test_large_scores_do_not_overflow() -> None:
    block = make_random_block("gc", 16, (5, 9), None)
    x = 1000 * torch.randn(2, 16, 5, 9)
    with torch.no_grad():
        assert torch.allclose(block(x), global_context(x, block.state_dict()), rtol=1e-4)


def test_it_is_timms_with_the_same_weights() -> None:
    import_timm()
    from timm.layers import GlobalContext

    torch.manual_seed(0)
    theirs = GlobalContext(48, fuse_add=True, fuse_scale=False, rd_ratio=1 / 4).eval()
    weights = {}
    for name, value in theirs.state_dict().items():
        value.copy_(torch.randn_like(value))
        layer, _, kind = name.rpartition(".")
        weights[f"{TIMM_NAMES[layer]}.{kind}"] = value[:, None, None] if "norm" in name else value
    block = make_block("gc", channels=48, size=(9, 6), reduction=4).eval()
    block.load_state_dict(weights)
    # timm's norm has an epsilon of its own.
    block.channel_add_conv[1].eps = theirs.mlp_add.norm.eps
    x = torch.randn(2, 48, 9, 6)
    with torch.no_grad():
        assert torch.allclose(block(x), theirs(x), rtol=1e-5, atol=1e-4)
