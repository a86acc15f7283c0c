"""A comparison that can fail: spread, relative error, shapes, values that are not finite."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from pocketbench.core.errors import ModelFault, ParityError
from pocketbench.export.parity import check_spread, compare_outputs, make_inputs, run_reference
from tests.export.networks import INPUT_SHAPE, make_small_network

RANDOM = np.random.default_rng(0)


def make_outputs(count: int = 4, size: int = 50) -> list[list[np.ndarray]]:
    return [[RANDOM.standard_normal((1, size)).astype(np.float32)] for _ in range(count)]


def test_inputs_are_drawn_from_the_seed_and_differ_along_each_axis() -> None:
    first, again, other = make_inputs((1, 3, 20, 30), 1), make_inputs((1, 3, 20, 30), 1), make_inputs((1, 3, 20, 30), 2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])
    for image in first:
        assert image.shape == (1, 3, 20, 30)
        assert image.dtype == np.float32
        rows, columns = image.mean((1, 3)), image.mean((1, 2))
        assert rows.std() > 0.1  # noise alone would leave 1 / sqrt(90) of its own size at most
        assert columns.std() > 0.1


def test_equal_outputs_pass_and_the_record_says_how_equal() -> None:
    expected = make_outputs()
    found = [[value + np.float32(1e-6)] for (value,) in expected]
    parity = compare_outputs(expected, found, tolerance=1e-4, runtime="test")
    assert parity.input_count == 4
    assert parity.max_abs_error == pytest.approx(1e-6, rel=0.1)
    assert parity.output_spread_ratio > 0.5


def test_error_is_relative_to_what_the_inputs_change_not_to_a_constant() -> None:
    large = [[value + np.float32(1000)] for (value,) in make_outputs()]
    with pytest.raises(ModelFault, match="hardly depends"):
        compare_outputs(large, large, tolerance=1e-4, runtime="test")
    moderate = [[value + np.float32(10)] for (value,) in make_outputs()]
    wrong = [[value + np.float32(0.01)] for (value,) in moderate]  # 1e-3 of the output, 1e-2 of its spread
    with pytest.raises(ParityError, match="differs"):
        compare_outputs(moderate, wrong, tolerance=5e-3, runtime="test")


@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_values_that_are_not_finite_never_pass(poison: float) -> None:
    expected = make_outputs()
    found = [[value.copy()] for (value,) in expected]
    found[2][0][0, 3] = poison
    with pytest.raises(ParityError):
        compare_outputs(expected, found, tolerance=1e9, runtime="test")
    with pytest.raises(ModelFault, match="not finite"):
        check_spread(found)


def test_other_shapes_and_counts_are_refused() -> None:
    expected = make_outputs()
    with pytest.raises(ParityError, match="shapes"):
        compare_outputs(expected, [[value.T] for (value,) in expected], tolerance=1.0, runtime="test")
    with pytest.raises(ParityError, match="shapes"):
        compare_outputs(expected, [[value, value] for (value,) in expected], tolerance=1.0, runtime="test")


def test_every_output_is_checked_not_the_first_alone() -> None:
    expected = [[a[0], b[0]] for a, b in zip(make_outputs(), make_outputs(), strict=True)]
    found = [[a, b + 1] for a, b in expected]
    with pytest.raises(ParityError):
        compare_outputs(expected, found, tolerance=0.1, runtime="test")


def test_an_untrained_network_in_inference_form_is_refused_as_proving_nothing() -> None:
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for _ in range(8):
        layers += [nn.Conv2d(3, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3), nn.ReLU()]
    dead = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 4)).eval()
    with pytest.raises(ModelFault, match="--weights random"):
        check_spread(run_reference(dead, make_inputs(INPUT_SHAPE, 0)))


def test_a_model_that_fails_or_returns_no_tensor_is_named() -> None:
    inputs = make_inputs(INPUT_SHAPE, 0)
    with pytest.raises(ModelFault, match="RuntimeError"):
        run_reference(nn.Linear(5, 5), inputs)

    class Text(nn.Module):
        def forward(self, x: torch.Tensor) -> str:  # noqa: ARG002
            return "logits"

    with pytest.raises(ModelFault, match="returned str"):
        run_reference(Text(), inputs)


def test_the_small_network_of_these_tests_has_a_spread() -> None:
    assert check_spread(run_reference(make_small_network(), make_inputs(INPUT_SHAPE, 0))) > 0.05
