import pytest
from scipy.stats import binomtest

from pocketbench.core.records import Accuracy, Artifact, ModelFacts
from pocketbench.reports.figures import find_latency_range, make_figures
from pocketbench.reports.table import make_table
from tests.reports.synthetic import MS, make_accuracy, make_artifact, make_sessions, make_spec

BASE, SE, CA = (make_artifact(make_spec(block)) for block in (None, "se", "ca"))
ACCURACIES = [
    make_accuracy(0.723),
    make_accuracy(0.735, block="se", reduction_ratio=24),
    make_accuracy(0.743, block="ca", reduction_ratio=32),
]


def test_a_figure_has_a_point_for_each_model_with_latency_and_accuracy() -> None:
    results = make_sessions(BASE, 5.0) + make_sessions(SE, 7.0) + make_sessions(CA, 6.0)
    (figure,) = make_figures(make_table([], results, ACCURACIES))
    points = {point.label: point for point in figure.points}
    assert [(p.median_ms, round(p.value, 6)) for p in points.values()] == [(5, 72.3), (7, 73.5), (6, 74.3)]
    assert [p.label for p in points.values() if p.is_on_front] == ["baseline", "+ ca (r 32)"]
    assert figure.has_front
    assert figure.value_title == "ImageNet-1k validation top-1, published, %"


def test_what_is_not_drawn_is_named() -> None:
    eca = make_artifact(make_spec("eca"))
    results = make_sessions(BASE, 5.0) + make_sessions(CA, 6.0) + make_sessions(eca, 5.2)
    (figure,) = make_figures(make_table([], results, ACCURACIES))
    assert len(figure.points) == 2
    assert figure.caption.endswith(
        "Not drawn for want of a published top-1 on ImageNet-1k: mobilenet_v2 1.0, 224 x 224 + eca."
    )


def test_what_was_measured_of_the_files_goes_before_what_is_published() -> None:
    def measure(file: Artifact, top1: float) -> Accuracy:
        changes = {"artifact_sha256": file.sha256, "dataset": "Fashion-MNIST", "split": "test", "image_count": 100}
        return make_accuracy(top1, origin="measured", **changes)

    results = [run for file in (BASE, SE, CA) for run in make_sessions(file, 5.0)]
    (figure,) = make_figures(make_table([], results, [*ACCURACIES, measure(BASE, 0.9)]))
    assert [point.value_low for point in figure.points] == [None] * 3  # one alone is nothing to compare
    (figure,) = make_figures(make_table([], results, [*ACCURACIES, measure(BASE, 0.9), measure(CA, 0.5)]))
    assert figure.value_title == "Fashion-MNIST test top-1, %"
    assert [(point.row, point.value) for point in figure.points] == [(0, 90), (2, 50)]
    for point, right in zip(figure.points, (90, 50), strict=True):
        interval = binomtest(right, 100).proportion_ci(method="wilson")
        assert (point.value_low, point.value_high) == pytest.approx((100 * interval.low, 100 * interval.high))
    assert "the top-1 over pictures" in figure.caption
    assert figure.caption.endswith(
        "want of a measured top-1 on Fashion-MNIST: mobilenet_v2 1.0, 224 x 224 + se (r 24)."
    )


def test_the_top1_of_a_figure_is_that_of_the_files_that_ran() -> None:
    kinds = [
        [make_artifact(make_spec(block), precision=precision) for block in (None, "ca")]
        for precision in ("fp32", "int8")
    ]
    files = [file for files in kinds for file in files]
    tops = dict(zip((file.sha256 for file in files), (0.91, 0.92, 0.81, 0.82), strict=True))
    accuracies = [
        make_accuracy(top1, origin="measured", artifact_sha256=sha256, image_count=1000)
        for sha256, top1 in tops.items()
    ]
    results = [run for file in files for run in make_sessions(file, 5.0)]
    figures = make_figures(make_table([], results, accuracies))
    assert [[round(point.value) for point in figure.points] for figure in figures] == [[91, 92], [81, 82]]


def test_parameters_where_no_accuracy_is_known() -> None:
    large = make_artifact(make_spec("ca"), facts=ModelFacts(parameter_count=4_000_000, mac_count=1))
    (figure,) = make_figures(make_table([], make_sessions(BASE, 5.0) + make_sessions(large, 6.0), []))
    assert [point.value for point in figure.points] == [3.5049, 4.0]
    assert not figure.has_front
    assert not any(point.is_on_front for point in figure.points)
    assert figure.caption.startswith("No top-1 is known")


def test_no_figure_for_fewer_than_two_points() -> None:
    assert make_figures(make_table([BASE, SE], make_sessions(BASE, 5.0), ACCURACIES)) == []
    assert make_figures(make_table([], [], [])) == []


def test_an_interval_that_is_wider_than_everything_does_not_crush_the_plot() -> None:
    results = make_sessions(BASE, 5.0, sessions=(0, 1), drift=lambda session, _: session) + make_sessions(CA, 6.0)
    (figure,) = make_figures(make_table([], results, ACCURACIES))
    wide = next(point for point in figure.points if point.label == "baseline")
    assert wide.high_ms is not None
    assert wide.high_ms > 11  # two sessions 1 ms apart: 5.5 +- 12.7 * 0.71 / sqrt(2)
    low, high = find_latency_range(figure.points)
    assert 4 < low < 5.5
    assert 6 < high < 7
    assert "A bar that reaches the edge goes on beyond it" in figure.caption


def test_unit_is_milliseconds() -> None:
    table = make_table([], make_sessions(BASE, 5.0) + make_sessions(CA, 6.0), ACCURACIES)
    wall = table.rows[0].cells[0].wall
    assert wall is not None
    assert make_figures(table)[0].points[0].median_ms == wall.median_ns / MS
