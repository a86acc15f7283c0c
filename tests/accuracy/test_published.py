import csv
import subprocess
import sys
import zipfile
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

from pocketbench.accuracy.published import find_published_latencies, parse_published, read_published, why_missing
from pocketbench.core.records import ModelSpec

SPEC = ModelSpec(backbone="mobilenet_v2", width_ratio=1.0, class_count=1000)


def find(backbone: str, block: str | None, width: float | None, source: str) -> list[float]:
    return [
        figure.top1_fraction
        for figure in read_published()
        if (figure.backbone, figure.block, figure.width_ratio) == (backbone, block, width) and source in figure.source
    ]


@pytest.mark.parametrize(
    ("backbone", "block", "width", "source", "top1"),
    [
        ("mobilenet_v2", None, 1.0, "CoordAttention", 0.723),
        ("mobilenet_v2", "se", 1.0, "CoordAttention", 0.735),
        ("mobilenet_v2", "cbam", 1.0, "CoordAttention", 0.736),
        ("mobilenet_v2", "ca", 1.0, "CoordAttention", 0.743),
        ("mobilenet_v2", None, 1.0, "tensorflow/models", 0.718),
        ("mobilenet_v2", None, 0.35, "tensorflow/models", 0.603),
        ("mobilenext", "ca", 1.0, "CoordAttention", 0.752),
        ("mobilenext", None, 0.75, "rethinking_bottleneck_design", 0.72),
        ("mobilenet_v3_large", None, 1.0, "tensorflow/models", 0.752),
        ("efficientnet_lite4", None, None, "tensorflow/tpu", 0.815),
        ("efficientnet_b0", "se", 1.0, "tensorflow/tpu", 0.768),
    ],
)
def test_figures_are_those_that_were_printed(
    backbone: str, block: str | None, width: float | None, source: str, top1: float
) -> None:
    assert find(backbone, block, width, source) == [top1]


def test_every_figure_is_complete_and_of_its_own() -> None:
    figures = read_published()
    assert len(figures) == 29
    assert len({(f.backbone, f.block, f.width_ratio, f.reduction_ratio, f.source) for f in figures}) == 29
    for figure in figures:
        assert figure.origin == "published"
        assert 0.5 < figure.top1_fraction < 0.9
        assert "@" in figure.source, "a source names its commit"
        has_ratio = figure.block is not None and figure.backbone != "efficientnet_b0"  # whose own SE follows no ratio
        assert (figure.reduction_ratio is not None) == has_ratio


def test_what_could_not_be_confirmed_is_not_there() -> None:
    assert not [f for f in read_published() if f.block is not None and f.width_ratio != 1.0]
    assert not [f for f in read_published() if f.backbone == "efficientnet_b0" and f.block == "ca"]
    assert not [f for f in read_published() if f.block in ("ca_x", "ca_y")]


@pytest.mark.parametrize(
    ("backbone", "block", "width", "source", "printed"),
    [
        ("mobilenet_v2", None, 1.0, "CoordAttention", (3_500_000, 300_000_000)),
        ("mobilenet_v2", "se", 1.0, "CoordAttention", (3_890_000, 300_000_000)),
        ("mobilenet_v2", "cbam", 1.0, "CoordAttention", (3_890_000, 300_000_000)),
        ("mobilenet_v2", "ca", 1.0, "CoordAttention", (3_950_000, 310_000_000)),
        ("mobilenext", "ca", 1.0, "CoordAttention", (4_090_000, 330_000_000)),
        ("mobilenext", None, 0.75, "rethinking_bottleneck_design", (2_500_000, 210_000_000)),
        ("mobilenet_v2", None, 0.35, "tensorflow/models", (1_660_000, 59_000_000)),
        ("efficientnet_lite4", None, None, "tensorflow/tpu", (13_000_000, 2_640_000_000)),
        ("efficientnet_b0", "se", 1.0, "tensorflow/tpu", (None, None)),
    ],
)
def test_counts_are_those_that_were_printed_beside_a_figure(
    backbone: str, block: str | None, width: float | None, source: str, printed: tuple[int | None, int | None]
) -> None:
    (figure,) = [
        item
        for item in read_published()
        if (item.backbone, item.block, item.width_ratio) == (backbone, block, width) and source in item.source
    ]
    assert (figure.parameter_count, figure.mac_count) == printed


def test_latencies_of_a_network_are_those_that_were_printed_of_it() -> None:
    latencies = find_published_latencies([SPEC])
    printed = [(item.low_ns / 1e6, item.high_ns / 1e6, item.device, item.runtime) for item in latencies]
    assert printed == [
        (190, 220, "Pixel 4 CPU", "PyTorch Mobile"),
        (68, 92, "Pixel 4 CPU", "TensorFlow Mobile"),
        (44, 47, "Pixel 4 CPU", "TensorFlow Lite"),
        (15, 17, "Pixel 4 GPU", "TensorFlow Lite"),
        (73.8, 73.8, "Pixel 1 CPU", "TensorFlow Lite"),
    ]
    assert all("@" in item.source for item in latencies)
    assert find_published_latencies([replace(SPEC, block="ca", reduction_ratio=32)]) == ()
    assert find_published_latencies([replace(SPEC, input_shape=(1, 3, 192, 192))]) == ()


def test_the_list_can_be_changed_without_changing_the_next_one() -> None:
    read_published().clear()
    assert read_published()


def test_an_empty_cell_is_not_known() -> None:
    (figure,) = parse_published(
        "backbone,block,width_ratio,reduction_ratio,input_size,top1_percent,params_m,madds_m,source,note\n"
        "net,,,,96,74.02,,,paper,\n"
    )
    assert (figure.block, figure.width_ratio, figure.reduction_ratio, figure.input_size) == (None, None, None, 96)
    assert (figure.top1_fraction, figure.parameter_count, figure.mac_count) == (0.7402, None, None)


def test_a_ratio_that_was_not_printed_is_explained() -> None:
    text = resources.files("pocketbench.accuracy").joinpath("published.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        assert bool(row["reduction_ratio"]) <= bool(row["note"]), row


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"block": "eca"},
            "No published top-1 of mobilenet_v2 1.0 with eca could be confirmed from a text source.",
        ),
        (
            {"block": "ca", "reduction_ratio": 32, "width_ratio": 0.75},
            "No published top-1 of mobilenet_v2 0.75 with ca could be confirmed from a text source.",
        ),
        (
            {"block": "ca", "reduction_ratio": 16},
            "The published top-1 of mobilenet_v2 1.0 with ca is for reduction ratio 32, not 16.",
        ),
        (
            {"class_count": 10},
            "The published top-1 of mobilenet_v2 1.0 without attention is for 1000 classes, not 10.",
        ),
        (
            {"input_shape": (1, 3, 192, 160)},
            "The published top-1 of mobilenet_v2 1.0 without attention is for inputs of 224 x 224, not 192 x 160.",
        ),
        ({"backbone": "my.module:net"}, "No published top-1 of my.module:net is on record."),
        ({}, "A figure is published for mobilenet_v2 1.0 without attention, but was not given to this report."),
    ],
)
def test_the_reason_says_what_differs(changes: dict[str, object], reason: str) -> None:
    values = {"backbone": "mobilenet_v2", "width_ratio": 1.0, "class_count": 1000} | changes
    assert why_missing(ModelSpec(**values)) == reason  # type: ignore[arg-type]


def test_a_network_of_timm_has_the_figures_of_its_name() -> None:
    spec = ModelSpec(backbone="timm:efficientnet_lite1", input_shape=(1, 3, 224, 224))
    assert why_missing(spec).endswith("is for inputs of 240 x 240, not 224 x 224.")


@pytest.mark.slow
def test_an_installed_wheel_has_the_file(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "--wheel-dir", str(tmp_path), str(root)],
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    code = "import pocketbench.accuracy.published as it; print(len(it.read_published()), it.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "installed")},
    )
    count, place = done.stdout.split()
    assert count == "29"
    assert place.startswith(str(tmp_path))
    assert (tmp_path / "installed/pocketbench/reports/page.css").is_file()
    assert (tmp_path / "installed/pocketbench/accuracy/published_latency.csv").is_file()
    assert (tmp_path / "installed/pocketbench/suites/paper-table5.toml").is_file()
