from dataclasses import replace

import pytest

from pocketbench.core.records import Accuracy, ModelSpec
from pocketbench.reports.accuracy_choice import Choice, choose_published, fits_spec
from tests.reports.synthetic import make_accuracy, make_spec

BASE, SE, CA = make_spec(), make_spec("se"), make_spec("ca")
HALF = make_spec(width_ratio=0.5)
PAPER_A = [
    make_accuracy(0.723),
    make_accuracy(0.735, block="se", reduction_ratio=24),
    make_accuracy(0.743, block="ca", reduction_ratio=32),
]
PAPER_B = [make_accuracy(0.718, source="paper B"), make_accuracy(0.654, source="paper B", width_ratio=0.5)]


def choose(specs: list[ModelSpec], accuracies: list[Accuracy]) -> list[Choice]:
    return choose_published(specs, accuracies)


def choose_top1s(specs: list[ModelSpec], accuracies: list[Accuracy]) -> list[float | None]:
    return [choice.accuracy.top1_fraction if choice.accuracy else None for choice in choose(specs, accuracies)]


@pytest.mark.parametrize("accuracies", [PAPER_A + PAPER_B, PAPER_B + PAPER_A])
def test_rows_of_a_backbone_share_the_source_that_covers_most(accuracies: list[Accuracy]) -> None:
    assert choose_top1s([BASE, SE, CA], accuracies) == [0.723, 0.735, 0.743]
    assert choose_top1s([BASE, HALF], accuracies) == [0.718, 0.654]


def test_a_row_of_another_source_is_left_out_and_said_so() -> None:
    choices = choose([BASE, SE, CA, HALF], PAPER_A + PAPER_B)
    assert choices[3].accuracy is None
    assert choices[3].left_out == (PAPER_B[1],)
    assert choices[0].left_out == (PAPER_B[0],)


def test_a_tie_goes_to_the_source_given_first() -> None:
    assert choose_top1s([BASE], PAPER_A + PAPER_B) == [0.723]
    assert choose_top1s([BASE], PAPER_B + PAPER_A) == [0.718]


def test_backbones_choose_on_their_own() -> None:
    other = make_spec(backbone="mobilenext")
    accuracies = [*PAPER_A, make_accuracy(0.74, backbone="mobilenext", source="paper C")]
    assert choose_top1s([BASE, SE, other], accuracies) == [0.723, 0.735, 0.74]


def test_of_several_figures_from_one_source_the_last_one_counts() -> None:
    assert choose_top1s([BASE], [make_accuracy(0.72), make_accuracy(0.725)]) == [0.725]


def test_what_was_measured_is_nothing_published() -> None:
    assert choose_top1s([BASE], [make_accuracy(0.9, origin="measured", artifact_sha256="a")]) == [None]


def test_a_foreign_file_has_nothing_published() -> None:
    assert choose_published([None, BASE], PAPER_A)[0] == Choice(accuracy=None, left_out=())


@pytest.mark.parametrize(
    "changes",
    [
        {"backbone": "mobilenext"},
        {"width_ratio": 0.75},
        {"reduction_ratio": 16},
        {"reduction_ratio": None},
        {"block": "se"},
        {"block": None},
        {"class_count": 10},
        {"input_shape": (1, 3, 192, 192)},
        {"input_shape": (1, 3, 224, 192)},
    ],
)
def test_what_differs_does_not_fit(changes: dict[str, object]) -> None:
    accuracy = make_accuracy(0.743, block="ca", reduction_ratio=32)
    assert fits_spec(accuracy, make_spec("ca"))
    assert not fits_spec(accuracy, replace(make_spec("ca"), **changes))  # type: ignore[arg-type]


def test_what_does_not_change_the_network_fits() -> None:
    accuracy = make_accuracy(0.723)
    assert fits_spec(accuracy, make_spec(seed=3, class_count=None, width_ratio=None, reduction_ratio=4))
    assert fits_spec(make_accuracy(0.723, input_size=None), make_spec(input_shape=(1, 3, 96, 96)))
    assert fits_spec(accuracy, make_spec(backbone="timm:mobilenet_v2"))
