"""The layout of papers: what stands in each row, differences, what is bold, what is said under the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from pocketbench.core.records import Accuracy, ModelFacts, ModelSpec, TrainedAccuracy
from pocketbench.reports.paper_layout import make_paper_sheet, make_paper_table
from pocketbench.reports.paper_records import PaperTable
from pocketbench.reports.records import PublishedLatency, Table
from pocketbench.reports.table import make_table
from tests.reports.synthetic import make_accuracy, make_artifact, make_example, make_sessions, make_spec

COUNTS = {None: (3_504_872, 300_800_000), "se": (3_888_208, 301_200_000), "ca": (3_950_648, 306_700_000)}
PRINTED = {None: (3_500_000, 300_000_000), "se": (3_890_000, 300_000_000), "ca": (3_950_000, 310_000_000)}


def make_network(blocks: Sequence[str | None] = (None, "se", "ca"), **changes: object) -> list[ModelSpec]:
    return [make_spec(block, gate="hard_sigmoid" if block else None, **changes) for block in blocks]


def lay_out(
    specs: Sequence[ModelSpec],
    *,
    top1: Sequence[float | None] = (),
    image_count: int | None = 10_000,
    published: Sequence[Accuracy] = (),
    latencies: Sequence[float] = (),
    engines: Sequence[str] = ("litert",),
    **settings: object,
) -> PaperTable:
    """The layout of a table with a file a spec; `top1` and `latencies` (ms) are theirs, in order."""
    artifacts, results, accuracies = [], [], list(published)
    for index, spec in enumerate(specs):
        parameters, macs = COUNTS.get(spec.block, (4_000_000, 310_000_000))
        artifact = make_artifact(spec, facts=ModelFacts(parameter_count=parameters, mac_count=macs))
        artifacts.append(artifact)
        if index < len(top1) and (fraction := top1[index]) is not None:
            accuracies.append(
                make_accuracy(
                    fraction,
                    origin="measured",
                    artifact_sha256=artifact.sha256,
                    image_count=image_count,
                    dataset="Pictures",
                    split="test",
                )
            )
        if index < len(latencies):
            for engine in engines:
                results += make_sessions(artifact, latencies[index], engine=engine)
    return make_paper_table(make_table(artifacts, results, accuracies, title="A title", **settings))  # type: ignore[arg-type]


def heads(paper: PaperTable) -> list[str]:
    return [f"{column.group}: {column.head}".removeprefix(": ") for column in paper.columns]


def column(paper: PaperTable, head: str) -> list[str]:
    place = heads(paper).index(head)
    return [f"{line.figures[place].text} {line.figures[place].change}".strip() for line in paper.lines]


def bests(paper: PaperTable, head: str = "Top-1 (%)") -> list[str | None]:
    place = heads(paper).index(head)
    return [line.addition for line in paper.lines if line.figures[place].is_best]


def test_a_network_and_what_was_added_to_it() -> None:
    paper = lay_out(make_network(), top1=(0.70, 0.71, 0.78), latencies=(4.49, 5.20, 5.44), published=make_published())
    assert [(line.network, line.addition) for line in paper.lines] == [
        ("MobileNetV2", None),
        ("MobileNetV2", "+ SE"),
        ("MobileNetV2", "+ CA"),
    ]
    assert heads(paper) == [
        "Param. (M)",
        "M-Adds (M)",
        "Latency (ms)",
        "Top-1 (%)",
        "Published: Param. (M)",
        "Published: M-Adds (M)",
        "Published: Top-1 (%)",
    ]
    assert column(paper, "Param. (M)") == ["3.50", "3.89 +0.38", "3.95 +0.45"]
    assert column(paper, "M-Adds (M)") == ["300.8", "301.2 +0.4", "306.7 +5.9"]
    assert column(paper, "Latency (ms)") == ["4.49", "5.20 +0.71", "5.44 +0.95"]
    assert column(paper, "Top-1 (%)") == ["70.0", "71.0 +1.0", "78.0 +8.0"]
    assert column(paper, "Published: Param. (M)") == ["3.5", "3.89", "3.95"]
    assert column(paper, "Published: M-Adds (M)") == ["300", "300", "310"]
    assert column(paper, "Published: Top-1 (%)") == ["72.3", "73.5 +1.2", "74.3 +2.0"]
    assert (paper.caption, paper.sources) == ("A title", ("paper A",))


def make_published() -> list[Accuracy]:
    top1 = {None: 0.723, "se": 0.735, "ca": 0.743}
    return [
        make_accuracy(
            top1[block],
            block=block,
            reduction_ratio={"se": 24, "ca": 32}.get(block or ""),
            parameter_count=parameters,
            mac_count=macs,
        )
        for block, (parameters, macs) in PRINTED.items()
    ]


def test_intervals_are_those_of_the_table() -> None:
    paper = lay_out(make_network((None,)), top1=(0.7,), latencies=(4.49,))
    latency, top1 = paper.lines[0].figures[2:4]
    assert top1.interval == ("69.1", "70.9")  # Wilson's, of 7000 of 10000
    assert latency.interval == ("4.49", "4.49")
    assert lay_out(make_network((None,)), top1=(0.7,), image_count=None).lines[0].figures[2].interval is None


@pytest.mark.parametrize(
    ("top1", "best"),
    [
        ((0.70, 0.71, 0.78), ["+ CA"]),
        ((0.70, 0.775, 0.78), []),  # 76.7 to 78.3 reaches 77.2 to 78.8
        ((0.80, 0.71, 0.78), [None]),
        ((0.70, None, None), []),  # nothing to be better than
        ((None, 0.71, 0.78), ["+ CA"]),
        ((0.78, 0.71, 0.78), []),
    ],
)
def test_the_best_is_told_only_where_intervals_separate_it(
    top1: Sequence[float | None], best: list[str | None]
) -> None:
    assert bests(lay_out(make_network(), top1=top1)) == best


def test_nothing_is_best_where_an_interval_is_not_known() -> None:
    assert bests(lay_out(make_network(), top1=(0.7, 0.71, 0.99), image_count=None)) == []


def test_each_network_has_its_own_best() -> None:
    specs = [spec for width in (1.0, 0.5) for spec in make_network((None, "ca"), width_ratio=width)]
    paper = lay_out(specs, top1=(0.70, 0.78, 0.60, 0.55))
    assert [line.network for line in paper.lines] == ["MobileNetV2-1.0"] * 2 + ["MobileNetV2-0.5"] * 2
    assert bests(paper) == ["+ CA", None]
    assert column(paper, "Top-1 (%)") == ["70.0", "78.0 +8.0", "60.0", "55.0 -5.0"]


def test_the_ratio_has_a_column_where_a_block_has_several() -> None:
    several = [make_spec(None)] + [make_spec("se", reduction_ratio=ratio) for ratio in (16, 24)]
    paper = lay_out(several)
    assert column(paper, "r") == ["–", "16", "24"]
    assert [line.ratio for line in paper.lines] == [None, 16, 24]
    assert not any("r = " in remark for remark in paper.remarks)
    single = lay_out(make_network())
    assert "r" not in heads(single)
    assert "r = 24 for SE, r = 32 for CA" in single.remarks[0]


def test_gates_sizes_and_classes_are_named_where_they_differ() -> None:
    gates = [make_spec(None), *(make_spec("ca", gate=gate) for gate in ("hard_sigmoid", "sigmoid"))]
    assert [line.addition for line in lay_out(gates).lines] == [None, "+ CA, hard sigmoid", "+ CA, sigmoid"]
    sizes = [make_spec(None), make_spec(None, input_shape=(1, 3, 192, 160)), make_spec(None, class_count=10)]
    assert [line.network for line in lay_out(sizes).lines] == [
        "MobileNetV2, 1 x 3 x 224 x 224, 1000 classes",
        "MobileNetV2, 1 x 3 x 192 x 160, 1000 classes",
        "MobileNetV2, 1 x 3 x 224 x 224, 10 classes",
    ]
    assert lay_out(make_network()).remarks[0].startswith("Inputs of 224 x 224, 1000 classes, r = ")
    assert lay_out(make_network()).remarks[0].endswith(", hard sigmoid gates.")


def test_rows_that_only_their_seed_tells_apart_are_told_apart() -> None:
    paper = lay_out([make_spec("ca", seed=seed) for seed in (0, 1)] + [make_spec(None, seed=seed) for seed in (0, 1)])
    assert [line.addition for line in paper.lines] == [
        "baseline [seed 0]",
        "baseline [seed 1]",
        "+ CA [seed 0]",
        "+ CA [seed 1]",
    ]


def test_names_that_are_not_known_are_printed_as_they_are() -> None:
    paper = lay_out(
        [make_spec(None, backbone="my.net:build", width_ratio=None), make_spec("my_block", backbone="their")]
    )
    assert [(line.network, line.addition) for line in paper.lines] == [("my.net:build", None), ("their", "+ my_block")]


def test_several_runtimes_are_called_by_their_engines() -> None:
    paper = lay_out(make_network((None,)), latencies=(4.5,), engines=("litert", "tflite_runtime"))
    assert heads(paper)[2:4] == ["Latency (ms): litert", "Latency (ms): tflite_runtime"]
    (latency,) = [remark for remark in paper.remarks if remark.startswith("Latency: ")]
    assert "(litert, 1 thread, tflite fp32; tflite_runtime, 1 thread, tflite fp32)" in latency


def test_what_is_missing_is_empty_and_said() -> None:
    paper = lay_out(make_network())
    assert column(paper, "Top-1 (%)") == ["–"] * 3
    assert column(paper, "Published: Top-1 (%)") == ["–"] * 3
    assert "Top-1: not measured of these files." in paper.remarks
    assert "No published figure could be confirmed for MobileNetV2 without attention, + SE and + CA." in paper.remarks
    some = lay_out(make_network(), published=make_published()[:2])
    assert column(some, "Published: Top-1 (%)") == ["72.3", "73.5 +1.2", "–"]
    assert "No published figure could be confirmed for MobileNetV2 + CA." in some.remarks


def test_a_figure_of_a_source_that_was_left_out_is_told() -> None:
    other = make_accuracy(0.698, width_ratio=0.75, source="paper B")
    specs = [*make_network(), make_spec(None, width_ratio=0.75)]
    paper = lay_out(specs, published=[*make_published(), other])
    assert column(paper, "Published: Top-1 (%)")[-1] == "–"
    assert [remark for remark in paper.remarks if "paper B" in remark] == [
        "MobileNetV2-0.75 without attention: left out, because the rows of one backbone are compared by one source: "
        "69.8 % (paper B)."
    ]


def test_published_counts_have_no_column_where_none_is_printed() -> None:
    paper = lay_out(make_network(), published=[make_accuracy(0.723)])
    assert [head for head in heads(paper) if head.startswith("Published")] == ["Published: Top-1 (%)"]


def test_what_seeds_reached_stands_beside_the_files_own_top1() -> None:
    spec = make_spec(None)
    trained = [
        TrainedAccuracy(
            spec=spec,
            seed=seed,
            recipe_sha256="r",
            dataset="Pictures",
            dataset_sha256="d",
            image_count=10_000,
            top1_fraction=fraction,
        )
        for seed, fraction in enumerate((0.70, 0.71, 0.72))
    ]
    paper = lay_out([spec], top1=(0.7,), trained=trained)
    assert heads(paper)[2:4] == ["Top-1 (%): measured", "Top-1 (%): mean of seeds"]
    assert column(paper, "Top-1 (%): mean of seeds") == ["71.0"]
    assert paper.lines[0].figures[3].interval == ("68.5", "73.5")  # 0.71 -+ 4.303 * 0.01 / sqrt(3)
    assert any("The mean over 3 seeds" in remark for remark in paper.remarks)


def test_published_latencies_are_told_beside_the_table() -> None:
    latency = PublishedLatency(
        backbone="mobilenet_v2",
        block=None,
        width_ratio=1.0,
        reduction_ratio=None,
        input_size=224,
        low_ns=44_000_000,
        high_ns=47_000_000,
        device="Pixel 4 CPU",
        runtime="TensorFlow Lite",
        source="paper C",
    )
    single = replace(latency, low_ns=73_800_000, high_ns=73_800_000, device="Pixel 1 CPU", source="paper D")
    table = make_table([make_artifact(spec) for spec in make_network()], [], [])
    paper = make_paper_table(replace(table, published_latencies=(latency, single)))
    assert paper.remarks[-1] == (
        "Latency of MobileNetV2 published: 44 to 47 ms on Pixel 4 CPU by TensorFlow Lite (paper C); "
        "73.8 ms on Pixel 1 CPU by TensorFlow Lite (paper D)."
    )


def test_many_rows_without_a_published_figure_are_counted() -> None:
    paper = lay_out([*make_network(), *(make_spec("se", reduction_ratio=ratio) for ratio in range(1, 13))])
    assert "No published figure could be confirmed for 15 of 15 rows." in paper.remarks


@pytest.mark.parametrize(("fraction", "printed"), [(0.74, "74.0"), (0.7402, "74.02"), (0.768, "76.8"), (1.0, "100.0")])
def test_a_published_top1_has_the_digits_that_were_printed(fraction: float, printed: str) -> None:
    assert column(lay_out(make_network((None,)), published=[make_accuracy(fraction)]), "Published: Top-1 (%)") == [
        printed
    ]


def test_no_difference_is_told_from_one_that_is_missing() -> None:
    specs = make_network((None, "eca"))
    paper = lay_out(specs, top1=(0.7, 0.70001))
    assert column(paper, "Top-1 (%)") == ["70.0", "70.0 ±0"]


def test_what_is_not_published_is_told_by_network_and_ratio() -> None:
    several = [make_spec("se", reduction_ratio=16), *make_network(), make_spec(None, width_ratio=0.5)]
    paper = lay_out(several, published=make_published())
    assert [remark for remark in paper.remarks if remark.startswith("No published")] == [
        "No published figure could be confirmed for MobileNetV2-1.0 + SE (r 16); MobileNetV2-0.5 without attention."
    ]


def test_a_file_of_somebody_else_has_its_name() -> None:
    paper = make_paper_table(make_table(*make_example()))
    assert (paper.lines[-1].network, paper.lines[-1].addition) == ("Other files", "<script>alert(1)</script>|*.onnx")
    assert column(paper, "Latency (ms): onnxruntime")[-1] == "7.70"


def test_the_sheet_holds_the_same() -> None:
    paper = lay_out(make_network(), top1=(0.70, 0.71, 0.78), latencies=(4.49, 5.20, 5.44), published=make_published())
    sheet = make_paper_sheet(paper)
    assert [(column.group, column.head) for column in sheet.columns][-2:] == [
        ("Published", "Top-1 (%)"),
        ("Published", "source"),
    ]
    assert all(len(line.entries) == len(sheet.columns) for line in sheet.lines)
    assert [line.label for line in sheet.lines] == ["baseline", "+ SE", "+ CA"]
    assert [entry.text for entry in sheet.lines[2].entries] == [
        *("3.95 (+0.45)", "306.7 (+5.9)", "5.44 (+0.95)", "78.0 (+8.0)", "3.95", "310", "74.3 (+2.0)", "paper A")
    ]
    assert sheet.lines[2].entries[3].detail == "77.2 to 78.8"


def test_an_empty_table_has_no_lines() -> None:
    empty: Table = make_table([], [], [])
    paper = make_paper_table(empty)
    assert paper.lines == ()
    assert make_paper_sheet(paper).lines == ()
