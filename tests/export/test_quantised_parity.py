"""What counts as a sound quantised file, on arrays made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pocketbench.core.errors import ParityError
from pocketbench.export.quantised_parity import compare_noise, compare_weights, measure_agreement
from pocketbench.export.tflite_quantise import describe_ranges

# outputs of four inputs for three classes; the change about their mean has the root mean square 1
EXPECTED = [
    [np.array([row], np.float32)] for row in ([1.0, -1.0, 9.0], [-1.0, 1.0, 11.0], [1.0, 1.0, 9.0], [-1.0, -1.0, 11.0])
]


def shift(error: float) -> list[list[np.ndarray]]:
    return [[outputs[0] + np.float32(error)] for outputs in EXPECTED]


def compare(found: list[list[np.ndarray]], tolerance: float = 0.5) -> tuple[float, float | None]:
    parity = compare_noise(EXPECTED, found, tolerance=tolerance, runtime="test", weights_checked=3)
    assert (parity.error_measure, parity.weights_checked, parity.relative_tolerance) == ("rms", 3, tolerance)
    return parity.relative_error, parity.agreement_fraction


def test_the_noise_is_measured_against_what_the_inputs_change() -> None:
    error, agreement = compare(shift(0.25))
    assert error == pytest.approx(0.25)  # the constant 10 of the third class does not make it smaller
    assert agreement == 1.0


def test_too_much_noise_and_what_is_not_finite_are_refused() -> None:
    with pytest.raises(ParityError, match=r"0\.6 of what"):
        compare(shift(0.6))
    with pytest.raises(ParityError):
        compare([*shift(0)[:3], [np.array([[np.nan, 0, 0]], np.float32)]])
    with pytest.raises(ParityError, match="shapes"):
        compare([[outputs[0][:, :2]] for outputs in EXPECTED])


def test_agreement_counts_inputs_and_is_unknown_without_classes() -> None:
    swapped = [*EXPECTED[:3], [EXPECTED[3][0][:, ::-1]]]
    assert measure_agreement(EXPECTED, swapped) == 0.75
    assert measure_agreement([[np.zeros((1, 2, 4, 4))]], [[np.zeros((1, 2, 4, 4))]]) is None


WEIGHTS = {"conv": np.array([[0.0, 1.0], [10.0, -20.0]])}
STEPS = {"conv": np.array([[0.1, 0.1], [2.0, 2.0]])}


@pytest.mark.parametrize(("change", "sound"), [(0.9, True), (-1.0, True), (1.1, False), (20.0, False)])
def test_a_weight_may_be_rounded_and_not_more(change: float, sound: bool) -> None:
    stored = {"conv": WEIGHTS["conv"] + np.array([[0, 0], [0, change]])}
    if sound:
        assert compare_weights(stored, STEPS, WEIGHTS) == 1
    else:
        with pytest.raises(ParityError, match="1 of 4 values of the weight 'conv'"):
            compare_weights(stored, STEPS, WEIGHTS)


def test_a_weight_of_another_name_or_shape_is_refused() -> None:
    for stored in ({"other": WEIGHTS["conv"]}, {"conv": WEIGHTS["conv"][:1]}):
        with pytest.raises(ParityError, match="does not have"):
            compare_weights(stored, STEPS, WEIGHTS)


def test_an_activation_that_is_always_0_gets_a_scale_that_a_bias_fits_in() -> None:
    described = describe_ranges({"dead": (0.0, 0.0), "tiny": (0.0, 1e-9), "gate": (0.25, 1.0), "both": (-3.0, 2.0)})
    ends = {name: (float(value["min"][0]), float(value["max"][0])) for name, value in described.items()}
    assert ends["dead"] == (0.0, 1.0)
    assert ends["tiny"] == (0.0, pytest.approx(1e-3))
    assert ends["gate"] == (0.0, 1.0)  # padding and ReLU need an exact 0
    assert ends["both"] == (-3.0, 2.0)
    # a bias of 1 behind it, counted in scale of the input times scale of the weights, has to fit in 32 bits
    assert 1.0 / (ends["tiny"][1] / 255 * 0.004) < 2**31
