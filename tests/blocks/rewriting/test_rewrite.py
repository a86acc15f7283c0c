"""What is never touched, what is refused, and what the report says."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, weight_norm

from pocketbench.blocks import make_export_friendly
from pocketbench.blocks.attention.se import SqueezeExcitation
from pocketbench.blocks.rewriting import rewrite
from pocketbench.core.errors import ModelFault, ParityError, UsageError
from tests.blocks.rewriting.test_families import EXAMPLE, assert_same, draw_weights
from tests.blocks.rewriting.textbook import CHANNELS, LinearSqueeze, Network


class Twice(nn.Module):
    """Two attention modules with something between them."""

    def __init__(self, first: nn.Module, second: nn.Module, between: nn.Module) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, CHANNELS, 3, 2, 1)
        self.first, self.between, self.second = first, between, second

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.between(self.first(self.stem(x))))


def hook_itself(model: nn.Module) -> None:
    model.attention.register_forward_hook(lambda _module, _inputs, output: output * 1.5)


def hook_a_part(model: nn.Module) -> None:
    model.attention.fc[0].register_forward_pre_hook(lambda _module, inputs: (inputs[0] + 1,))


def parametrise(model: nn.Module) -> None:
    parametrizations.weight_norm(model.attention.fc[2])


def parametrise_as_before(model: nn.Module) -> None:
    weight_norm(model.attention.fc[2])


def share_a_weight(model: nn.Module) -> None:
    model.head = nn.Conv2d(CHANNELS, CHANNELS, 1)
    model.other = nn.Linear(CHANNELS, 6, bias=False)
    model.other.weight = model.attention.fc[0].weight


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (hook_itself, "it has a forward hook"),
        (hook_a_part, "its part fc.0 has a forward pre-hook"),
        (parametrise, "its part fc.2 has a parametrised weight"),
        (parametrise_as_before, "its part fc.2 has a forward pre-hook"),
        (share_a_weight, "it shares a weight with other.weight"),
    ],
)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_what_a_replacement_would_lose_is_left_and_named(change: Callable[[nn.Module], None], reason: str) -> None:
    model = draw_weights(Network(LinearSqueeze()))
    change(model)
    rewritten = make_export_friendly(model, EXAMPLE)
    (left,) = rewritten.report.left
    assert left.path == "attention"
    assert reason in left.reason
    assert "squeeze-and-excitation" in left.reason
    assert any(type(module) is LinearSqueeze for module in rewritten.model.modules())
    assert_same(model, rewritten.model)


def test_one_module_at_two_places_is_left_and_named() -> None:
    shared = LinearSqueeze()
    model = draw_weights(Twice(shared, shared, nn.ReLU()))
    rewritten = make_export_friendly(model, EXAMPLE)
    assert [(left.path, left.reason) for left in rewritten.report.left] == [
        ("first", "squeeze-and-excitation, but it is the same module as second")
    ]
    assert_same(model, rewritten.model)


def test_a_block_that_runs_at_two_sizes_is_left_and_named() -> None:
    shared = LinearSqueeze()

    class TwoSizes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.attention, self.pool = nn.Conv2d(3, CHANNELS, 1), shared, nn.AvgPool2d(2)

        def forward(self, x: Tensor) -> Tensor:
            return self.attention(self.pool(self.attention(self.stem(x))))

    model = draw_weights(TwoSizes())
    rewritten = make_export_friendly(model, EXAMPLE)
    (left,) = rewritten.report.left
    assert left.reason == (
        "squeeze-and-excitation, but it runs at several map sizes (9x6, 18x12); a block with fixed pools has one"
    )
    assert_same(model, rewritten.model)


def test_a_block_that_runs_twice_at_one_size_is_replaced() -> None:
    class Recurrent(Network):
        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.attention(self.attention(self.stem(x))))

    model = draw_weights(Recurrent(LinearSqueeze()))
    rewritten = make_export_friendly(model, EXAMPLE)
    assert type(rewritten.model.attention) is SqueezeExcitation
    assert_same(model, rewritten.model)


def test_a_network_that_reaches_into_a_module_keeps_it() -> None:
    class Curious(Network):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) + self.attention.fc[0].weight.sum()

    model = draw_weights(Curious(LinearSqueeze()))
    rewritten = make_export_friendly(model, EXAMPLE)
    (left,) = rewritten.report.left
    assert left.path == "attention"
    assert "the network uses more of it" in left.reason
    assert_same(model, rewritten.model)


def test_a_network_that_is_itself_attention_is_replaced() -> None:
    model = draw_weights(LinearSqueeze(3, 2))
    rewritten = make_export_friendly(model, EXAMPLE)
    assert type(rewritten.model) is SqueezeExcitation
    assert_same(model, rewritten.model)


def test_the_users_network_and_global_randomness_stay_as_they_are() -> None:
    model = Network(LinearSqueeze()).train()
    before = copy.deepcopy(model.state_dict())
    modules = [(name, type(module), module.training) for name, module in model.named_modules()]
    state = torch.get_rng_state()
    rewritten = make_export_friendly(model, EXAMPLE)
    assert torch.equal(torch.get_rng_state(), state)
    assert modules == [(name, type(module), module.training) for name, module in model.named_modules()]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module.training for module in rewritten.model.modules())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in rewritten.model.modules())
    assert torch.equal(rewritten.model.stem.weight, model.stem.weight)


def test_pools_get_fixed_windows_where_these_are_equal() -> None:
    pools = {"a": nn.AdaptiveAvgPool2d(1), "b": nn.AdaptiveMaxPool2d((9, 6)), "c": nn.AdaptiveAvgPool2d((6, None))}
    for name, pool in {**pools, "d": nn.AdaptiveAvgPool2d((5, 4)), "e": nn.AdaptiveAvgPool2d((18, 12))}.items():
        model = draw_weights(nn.Sequential(nn.Conv2d(3, 4, 1), pool))
        rewritten = make_export_friendly(model, EXAMPLE)
        assert_same(model, rewritten.model)
        kinds = {type(module) for module in rewritten.model.modules()}
        if name == "d":
            assert rewritten.report.left[0].reason == "the windows of this pool of a 18x12 map differ in size"
            assert nn.AdaptiveAvgPool2d in kinds
        else:
            assert rewritten.report.left == ()
            assert not kinds & {nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d}


def test_gates_are_exchanged_on_request_and_reported_apart() -> None:
    model = draw_weights(nn.Sequential(Network(LinearSqueeze()), nn.Sigmoid()))
    plain = make_export_friendly(model, EXAMPLE)
    swapped = make_export_friendly(model, EXAMPLE, swap_gates="hard_sigmoid")
    assert plain.report.swap is None
    assert swapped.report.changes == plain.report.changes
    assert swapped.report.swap is not None
    assert swapped.report.swap.paths == ("0.attention.gate",)
    assert type(swapped.model[1]) is nn.Sigmoid  # the output's
    with torch.no_grad():
        hidden = model[0].stem(EXAMPLE)
        scores = model[0].attention.fc[:3](hidden.mean((2, 3)))[:, :, None, None]
        expected = torch.sigmoid(model[0].head(hidden * torch.clamp((scores + 3) / 6, 0, 1)))
        found = swapped.model(EXAMPLE)
        assert torch.allclose(found, expected, rtol=1e-4, atol=1e-5)
        difference = (found - model(EXAMPLE)).abs().max() / model(EXAMPLE).square().mean().sqrt()
    assert swapped.report.swap.output_difference >= 0.9 * float(difference) > 0
    assert any("changes the function: 1 gates are hard_sigmoid now" in line for line in swapped.report.lines())


def test_gates_of_the_catalogues_own_blocks_are_exchanged_too() -> None:
    model = draw_weights(Network(SqueezeExcitation(CHANNELS, (9, 6), reduction=4, gate="sigmoid")))
    rewritten = make_export_friendly(model, EXAMPLE, swap_gates="hard_sigmoid")
    assert rewritten.report.changes == ()
    assert rewritten.report.lines()[0] == "nothing was replaced"
    assert rewritten.report.swap is not None
    assert rewritten.report.swap.paths == ("attention.gate",)


def test_an_activation_that_others_use_too_is_no_obstacle() -> None:
    activation = nn.ReLU()
    attention = LinearSqueeze()
    attention.fc[1] = activation
    model = draw_weights(Twice(attention, nn.Identity(), activation))
    rewritten = make_export_friendly(model, EXAMPLE)
    assert type(rewritten.model.first) is SqueezeExcitation
    assert_same(model, rewritten.model)


def test_a_part_compiled_by_torchscript_stays() -> None:
    with pytest.warns(DeprecationWarning, match="torch.jit"):
        compiled = torch.jit.trace(nn.Conv2d(CHANNELS, CHANNELS, 1), torch.randn(1, CHANNELS, 9, 6))
    model = Twice(LinearSqueeze(), nn.Identity(), compiled)
    rewritten = make_export_friendly(model, EXAMPLE)
    assert type(rewritten.model.first) is SqueezeExcitation
    assert_same(model, rewritten.model)


class SingleOnly(nn.Module):
    """Makes float32 of whatever it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.network = Network(LinearSqueeze())

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {"map": self.network(x.float())}


def test_a_network_of_float32_alone_is_compared_in_that() -> None:
    model = draw_weights(SingleOnly())
    rewritten = make_export_friendly(model, EXAMPLE)
    assert rewritten.report.proof.float64_error is None
    assert rewritten.report.lines()[-1].endswith("in float32 (it does not run in float64)")
    with torch.no_grad():
        assert torch.allclose(rewritten.model(EXAMPLE)["map"], model(EXAMPLE)["map"], rtol=1e-4, atol=1e-5)


class Noisy(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.rand_like(x)


class Infinite(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x / 0


class Constant(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.ones(len(x), 4)


class Uncopyable(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.generator = (number for number in range(3))


GOOD = nn.Conv2d(3, 4, 1)


@pytest.mark.parametrize(
    ("model", "example", "error", "message"),
    [
        ("net", EXAMPLE, UsageError, "model is of type str"),
        (GOOD, [EXAMPLE], UsageError, "example_input is of type list"),
        (GOOD, EXAMPLE.long(), UsageError, "example_input holds int64 on cpu"),
        (GOOD, EXAMPLE.double(), UsageError, "holds float64"),
        (GOOD, EXAMPLE[:, :2], ModelFault, r"does not run on an input of shape \(1, 2, 18, 12\)"),
        (Noisy(), EXAMPLE, ModelFault, "another output when it runs again"),
        (Infinite(), EXAMPLE, ModelFault, "outputs are not all finite"),
        (Constant(), EXAMPLE, ModelFault, "output does not depend on its input"),
        (nn.Conv2d(3, 4, 1, device="meta"), EXAMPLE, UsageError, "layers without weights"),
        (Uncopyable(), EXAMPLE, ModelFault, "can't be copied: TypeError: cannot pickle 'generator'"),
    ],
)
def test_bad_input_is_refused(model: object, example: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make_export_friendly(model, example)  # type: ignore[arg-type]


def test_a_torchscript_network_and_an_unknown_gate_are_refused() -> None:
    with pytest.raises(UsageError, match="swap_gates is 'hard_tanh'"):
        make_export_friendly(GOOD, EXAMPLE, swap_gates="hard_tanh")
    with pytest.warns(DeprecationWarning, match="torch.jit"):
        scripted = torch.jit.trace(GOOD, EXAMPLE)
    with pytest.raises(UsageError, match="compiled by TorchScript"):
        make_export_friendly(scripted, EXAMPLE)


def test_nothing_wrong_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    def damage(model: nn.Module, _steps: object) -> nn.Module:
        with torch.no_grad():
            model.head.weight[0, 0] += 1e-3 * model.head.weight.abs().max()  # a thousandth
        return model

    monkeypatch.setattr(rewrite, "apply_steps", damage)
    with pytest.raises(ParityError, match=r"the rewritten network is off by \d"):
        make_export_friendly(draw_weights(Network(LinearSqueeze())), EXAMPLE)


def test_the_report_is_plain_data() -> None:
    report = make_export_friendly(draw_weights(Network(LinearSqueeze())), EXAMPLE).report
    assert report.proof.float64_error is not None
    assert 0 <= report.proof.float64_error < 1e-6
    assert 0 < report.proof.float32_error < 1e-4
    first = "replaced  attention: tests.blocks.rewriting.textbook.LinearSqueeze -> squeeze-and-excitation"
    assert json.loads(json.dumps(report.lines()))[0].startswith(f"{first} (fixed pools")
