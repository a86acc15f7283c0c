"""Which attention modules are replaced, by what, and that the network still computes the same."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from pocketbench.blocks import make_export_friendly
from pocketbench.blocks.attention.cbam import CBAM, ChannelAttention, SpatialAttention
from pocketbench.blocks.attention.coordinate import CoordinateAttention
from pocketbench.blocks.attention.eca import EfficientChannelAttention
from pocketbench.blocks.attention.ese import EffectiveSqueezeExcitation
from pocketbench.blocks.attention.se import SqueezeExcitation
from pocketbench.blocks.timm_models import import_timm
from tests.blocks import reference
from tests.blocks.rewriting.textbook import CHANNELS, CoordAtt, LinearSqueeze, Network

import_timm()

from timm.layers import create_attn  # noqa: E402  import_timm makes it importable
from timm.layers.cbam import ChannelAttn, SpatialAttn  # noqa: E402
from timm.layers.eca import EcaModule  # noqa: E402
from timm.layers.squeeze_excite import SEModule  # noqa: E402
from timm.models._efficientnet_blocks import SqueezeExcite  # noqa: E402
from timm.models.senet import SEModule as SenetModule  # noqa: E402
from torchvision.ops.misc import SqueezeExcitation as TorchvisionSqueeze  # noqa: E402

EXAMPLE = torch.randn(1, 3, 18, 12, generator=torch.Generator().manual_seed(5))
C = CHANNELS

KNOWN: dict[str, tuple[Callable[[], nn.Module], type[nn.Module]]] = {
    "timm se": (lambda: create_attn("se", C), SqueezeExcitation),
    "timm se, its options": (
        lambda: SEModule(C, norm_layer=nn.BatchNorm2d, bias=False, act_layer=nn.SiLU, gate_layer="hard_sigmoid"),
        SqueezeExcitation,
    ),
    "timm efficientnet se": (lambda: SqueezeExcite(C, act_layer=nn.SiLU), SqueezeExcitation),
    "timm senet se": (lambda: SenetModule(C, 4), SqueezeExcitation),
    "torchvision se": (
        lambda: TorchvisionSqueeze(C, 5, nn.ReLU, nn.Hardsigmoid),
        SqueezeExcitation,
    ),
    "linear se": (LinearSqueeze, SqueezeExcitation),
    "timm ese": (lambda: create_attn("ese", C), EffectiveSqueezeExcitation),
    "timm eca": (lambda: create_attn("eca", C), EfficientChannelAttention),
    "timm eca, kernel 7": (lambda: EcaModule(kernel_size=7), EfficientChannelAttention),
    "timm cbam": (lambda: create_attn("cbam", C), CBAM),
    "timm cbam, channels": (lambda: ChannelAttn(C, rd_ratio=0.25), ChannelAttention),
    "timm cbam, positions": (lambda: SpatialAttn(), SpatialAttention),
    "official cbam": (lambda: reference.OfficialCBAM(C, 4), CBAM),
    "timm coord": (lambda: create_attn("coord", C), CoordinateAttention),
    "coordatt.py": (lambda: reference.OfficialCoordinateAttention(C, 4, mbv2_ca=False), CoordinateAttention),
    "mbv2_ca.py": (lambda: reference.OfficialCoordinateAttention(C, 4, mbv2_ca=True), CoordinateAttention),
    "hand-made coordinate attention": (CoordAtt, CoordinateAttention),
}


def draw_weights(model: nn.Module) -> nn.Module:
    """Weights and statistics far from where initialisation leaves them."""
    generator = torch.Generator().manual_seed(1)
    for key, value in model.state_dict().items():
        if key.endswith("running_var"):
            value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
        elif value.is_floating_point():
            fan_in = value[0].numel() if value.ndim > 1 else 4
            value.copy_(torch.randn(value.shape, generator=generator) / math.sqrt(fan_in))
    return model.eval()


def assert_same(model: nn.Module, rewritten: nn.Module, example: Tensor = EXAMPLE) -> None:
    for x in (example, torch.randn(3, *example.shape[1:])):
        with torch.no_grad():
            expected = model(x.clone())
            assert torch.allclose(rewritten(x.clone()), expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.parametrize(("make", "block"), KNOWN.values(), ids=KNOWN)
def test_a_known_module_becomes_a_block_of_the_catalogue(make: Callable[[], nn.Module], block: type[nn.Module]) -> None:
    torch.manual_seed(0)
    model = draw_weights(Network(make()))
    rewritten = make_export_friendly(model, EXAMPLE)
    assert type(rewritten.model.attention) is block
    (change,) = rewritten.report.changes
    assert change.path == "attention"
    assert change.found.endswith(type(model.attention).__name__)
    assert rewritten.report.left == ()
    assert_same(model, rewritten.model)
    if block not in (SpatialAttention,):  # a lowering needs them
        assert rewritten.model.attention.channels == C
        assert rewritten.model.attention.size == (9, 6)


UNKNOWN: dict[str, Callable[[], nn.Module]] = {
    "circular eca": lambda: create_attn("ceca", C),
    "se with maxima": lambda: SEModule(C, add_maxpool=True),
    "coord with a skip": lambda: create_attn("coord", C, has_skip=True),
    "simple coord": lambda: create_attn("scoord", C),
    "strip": lambda: create_attn("strip", C),
    "ela": lambda: create_attn("ela", C),
    "gc": lambda: create_attn("gc", C),
    "sk": lambda: create_attn("sk", C),
}


@pytest.mark.parametrize("make", UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_module_is_named_and_left(make: Callable[[], nn.Module]) -> None:
    model = draw_weights(Network(make()))
    rewritten = make_export_friendly(model, EXAMPLE)
    (left,) = rewritten.report.left
    assert left.path == "attention"
    assert f"{left.path}: {left.found}: {left.reason}" in "\n".join(rewritten.report.lines())
    assert_same(model, rewritten.model)


def test_parts_are_replaced_where_the_whole_is_not_known() -> None:
    model = draw_weights(Network(create_attn("cbam", C, spatial_kernel_size=3)))
    rewritten = make_export_friendly(model, EXAMPLE)
    assert [(change.path, change.became) for change in rewritten.report.changes] == [
        ("attention.channel", "CBAM's channel part")
    ]
    assert [left.path for left in rewritten.report.left] == ["attention.spatial"]
    assert_same(model, rewritten.model)


class WindowAttention(nn.Module):
    """Something else by the name of attention, called with an option."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(C, C, 3, padding=1)

    def forward(self, x: Tensor, mask: Tensor | None = None, *, causal: bool = False) -> Tensor:
        return self.mix(x) if mask is None and not causal else self.mix(-x)


class Scale(nn.Module):
    """A learned factor for each channel: no attention, it does not look at its input."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((C,), 0.5))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma.view(1, -1, 1, 1)


class ScaledByMean(nn.Module):
    """No name gives it away; that it scales its input does."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, C, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.tanh(self.weight * x.mean((2, 3), keepdim=True))


def test_a_guess_says_what_it_rests_on() -> None:
    class Chain(Network):
        def __init__(self) -> None:
            super().__init__(nn.Sequential(Scale(), ScaledByMean()))
            self.window = WindowAttention()

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.window(self.attention(self.stem(x)), mask=None, causal=False))

    left = make_export_friendly(draw_weights(Chain()), EXAMPLE).report.left
    assert {one.path: one.reason for one in left} == {
        "attention.1": "may be attention (it scales its input by what it computes) of a form that is not known here",
        "window": "may be attention (its class is called so) of a form that is not known here",
    }
