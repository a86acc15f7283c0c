"""Random weights and statistics: every weight counts, nothing is switched off, the output depends on the input."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from pocketbench.blocks.backbones.mobilenet_v2 import MobileNetV2
from pocketbench.blocks.build import weights_digest
from pocketbench.blocks.randomise import randomise_statistics
from pocketbench.core.errors import ModelFault

SHAPE = (1, 3, 64, 64)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make_network(block: str | None) -> nn.Module:
    torch.manual_seed(0)
    return MobileNetV2(input_shape=SHAPE, class_count=10, width_ratio=0.35, block=block).eval()


def measure_spread(model: nn.Module, shape: tuple[int, ...] = SHAPE) -> float:
    """The root mean square of what the input changes in the output, over that of the output."""
    with torch.no_grad():
        outputs = torch.stack([model(torch.randn(shape, generator=seeded(index))) for index in range(6)]).double()
    return float((outputs - outputs.mean(0)).square().mean().sqrt() / outputs.square().mean().sqrt())


@pytest.mark.parametrize("block", [None, "se", "eca", "cbam", "ca"])
def test_output_depends_on_the_input(block: str | None) -> None:
    model = make_network(block)
    randomise_statistics(model, SHAPE, seeded())
    assert measure_spread(model) > 0.1
    with torch.no_grad():
        assert 0.1 < model(torch.randn(SHAPE, generator=seeded())).square().mean().sqrt() < 100


@pytest.mark.slow
@pytest.mark.parametrize("block", ["se", "eca", "cbam", "ca"])
def test_a_changed_weight_anywhere_changes_the_output(block: str) -> None:
    model = make_network(block)
    randomise_statistics(model, SHAPE, seeded())
    x = torch.randn((2, *SHAPE[1:]), generator=seeded(1))
    with torch.no_grad():
        before = model(x)
        for name, value in model.state_dict().items():
            if not value.is_floating_point():
                continue
            kept = value.clone()
            value.mul_(1.1)
            assert (model(x) - before).abs().max() > 1e-5 * before.abs().max(), name
            value.copy_(kept)


def test_normalised_maps_have_moved_statistics_and_shifts() -> None:
    model = make_network("ca")
    randomise_statistics(model, SHAPE, seeded())
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.weight.std() > 0
            assert module.bias.std() > 0
            assert module.running_mean.std() > 0
            assert module.running_var.std() > 0
            assert module.running_var.min() > 0


class SwitchedOff(nn.Module):
    """Branches that initialisation switches off: ReZero, LayerScale, a zero gate, a zero gamma."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 8, 3)
        self.rezero = nn.Parameter(torch.zeros(()))
        self.layer_scale = nn.Parameter(torch.full((8, 1, 1), 1e-6))
        self.gate = nn.Conv2d(8, 8, 1)
        self.norm = nn.BatchNorm2d(8)
        self.temperature = nn.Parameter(torch.tensor(2.5))
        for parameter in (self.gate.weight, self.gate.bias, self.norm.weight):
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        x = self.convolution(x)
        x = x + self.rezero * x.abs() + self.layer_scale * x.square()
        return self.norm(x * self.gate(x) * self.temperature)


def test_switched_off_branches_are_switched_on() -> None:
    model = SwitchedOff().eval()
    kernel, x = model.convolution.weight.clone(), torch.randn(1, 3, 8, 8)
    assert float(model(x).detach().std()) == 0
    randomise_statistics(model, (1, 3, 8, 8), seeded())
    assert float(model(x).detach().std()) > 0.1
    for parameter in (model.rezero, model.layer_scale, model.gate.weight, model.norm.weight):
        assert float(parameter.detach().abs().max()) > 0.1
    assert model.temperature.item() == 2.5  # neither switched off nor a layer: left alone
    smooth = kernel + kernel.mean((2, 3), keepdim=True)  # drawn by its layer: scaled alone
    ratio = model.convolution.weight / smooth
    assert torch.allclose(ratio, ratio.mean(), rtol=1e-4)


class FixedBatch(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 8, 3)
        self.norm = nn.BatchNorm1d(8)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.convolution(x).mean((2, 3)).reshape(1, 8))


def test_a_network_of_one_batch_size_is_calibrated_on_it() -> None:
    model = FixedBatch().eval()
    randomise_statistics(model, (1, 3, 8, 8), seeded())
    assert float(model.norm.running_mean.abs().min()) > 0
    assert measure_spread(model, (1, 3, 8, 8)) > 0.01


def test_equal_seeds_draw_equal_weights_on_any_number_of_threads() -> None:
    digests = set()
    threads = torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            model = make_network("ca")
            randomise_statistics(model, SHAPE, seeded())
            digests.add(weights_digest(model))
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)
    other = make_network("ca")
    randomise_statistics(other, SHAPE, seeded(1))
    assert len(digests) == 1
    assert weights_digest(other) not in digests


def test_hooks_are_removed_and_faults_named() -> None:
    model = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(4, 4, 1))
    with pytest.raises(ModelFault, match="does not run on an input of shape"):
        randomise_statistics(model, (1, 3, 8, 8), seeded())
    assert not model[0]._forward_pre_hooks
    assert not model[1]._forward_hooks


@pytest.mark.parametrize("block", [None, "se", "eca", "cbam", "ca"])
def test_rounding_errors_stay_small(block: str | None) -> None:
    """A float32 network against itself in float64: within 1e-4 of what tells inputs apart."""
    model = make_network(block)
    randomise_statistics(model, SHAPE, seeded())
    x = torch.randn((6, *SHAPE[1:]), generator=seeded(1))
    with torch.no_grad():
        single, exact = model(x).double(), model.double()(x.double())
    assert (single - exact).abs().max() < 1e-4 * (exact - exact.mean(0)).square().mean().sqrt()


def make_images(count: int) -> Tensor:
    """Noise and gradients: noise alone hardly reaches the ends of an activation."""
    generator, side = seeded(1), SHAPE[-1]
    ramp = torch.linspace(-2, 2, side)
    images = torch.randn((count, *SHAPE[1:]), generator=generator)
    slopes = torch.randn((2, count, 3, 1, 1), generator=generator)
    return images + slopes[0] * ramp + slopes[1] * ramp[:, None]


def test_a_swapped_activation_shows() -> None:
    model = make_network("ca")
    randomise_statistics(model, SHAPE, seeded())
    x = make_images(4)
    with torch.no_grad():
        before = model(x)
        spread = (before - before.mean(0)).square().mean().sqrt()
        for name, module in list(model.named_modules()):
            if isinstance(module, (nn.ReLU6, nn.Hardsigmoid)):
                parent, _, place = name.rpartition(".")
                swapped = nn.ReLU() if isinstance(module, nn.ReLU6) else nn.Sigmoid()
                model.get_submodule(parent).register_module(place, swapped)
                assert (model(x) - before).abs().max() > 1e-3 * spread, name
                model.get_submodule(parent).register_module(place, module)


def test_layers_applied_twice_and_parametrised_layers_are_fitted() -> None:
    shared = nn.Conv2d(4, 4, 1)
    normed = nn.utils.parametrizations.weight_norm(nn.Conv2d(3, 4, 3))
    model = nn.Sequential(normed, nn.BatchNorm2d(4), shared, nn.ReLU(), shared, nn.Flatten(), nn.LazyLinear(5)).eval()
    model(torch.zeros(1, 3, 8, 8))
    randomise_statistics(model, (1, 3, 8, 8), seeded())
    assert measure_spread(model, (1, 3, 8, 8)) > 0.1
