from dataclasses import replace

import pytest

from pocketbench.core.records import TrainedAccuracy
from pocketbench.reports.details import PartMaker
from pocketbench.reports.lines import FlatLine, make_lines
from pocketbench.reports.records import Table
from pocketbench.reports.table import make_table
from tests.reports.operator_samples import make_profiled
from tests.reports.paper_samples import make_suite_table
from tests.reports.synthetic import make_artifact, make_example, make_sessions, make_spec


def read_parts(table: Table, line: FlatLine) -> dict[str, dict[str, str]]:
    return {part.title: dict(part.properties) for part in PartMaker(table).make(line)}


@pytest.fixture(scope="module")
def suite() -> Table:
    return make_suite_table()


def find_line(table: Table, attention: str | None, precision: str = "fp32") -> FlatLine:
    return next(
        line
        for line in make_lines(table)
        if (line.attention, line.precision, line.engine) == (attention, precision, "litert")
    )


def test_a_measured_line_tells_everything(suite: Table) -> None:
    parts = read_parts(suite, find_line(suite, "ca"))
    latency = parts["Latency"]
    assert (latency["Median"], latency["By session"]) == ("5.41 ms", "5.39, 5.41, 5.44 ms")
    assert latency["Samples"] == "420 in 3 sessions"
    assert latency["Overhead"].startswith("+0.976 ms (x1.22), 95 % interval +0.967 to +0.986 ms, 60 pairs")
    accuracy = parts["Accuracy"]
    assert (accuracy["Top-1, measured"], accuracy["Top-5"]) == ("92.9 %, 95 % interval 92.4 % to 93.4 %", "99.8 %")
    assert (accuracy["Data set"], accuracy["Pictures"]) == ("fashion-mnist, test", "10,000 of 10,000")
    assert accuracy["Top-1, published"] == "74.3 % (ImageNet-1k)"
    graph = parts["Graph"]
    assert (graph["Operators"], graph["Of them layout"], graph["Partitions"]) == ("217", "1", "1")
    assert graph["Operator types"].startswith("99 CONV_2D, 32 HARD_SWISH")
    assert graph["Inputs"] == "serving_default_args_0 1 x 3 x 224 x 224 float32"
    assert parts["Model and file"]["Compared with"] == "torch, run by litert on 4 inputs"
    assert parts["Conditions"]["Processor"] == "Example CPU 3000"


def test_the_baseline_has_no_overhead_over_itself(suite: Table) -> None:
    assert read_parts(suite, find_line(suite, None))["Latency"]["Overhead"] == "none: this is the baseline"


def test_a_file_that_never_ran_has_its_graph_and_no_latency(suite: Table) -> None:
    line = next(line for line in make_lines(suite) if line.place is None)
    titles = [part.title for part in PartMaker(suite).make(line)]
    assert "Graph" in titles
    assert not {"Latency", "Conditions", "Where the time goes"} & set(titles)


def test_a_crash_is_told_in_the_notes() -> None:
    table = make_table(*make_example())
    line = next(line for line in make_lines(table) if line.attention == "se" and line.engine == "onnxruntime")
    (notes,) = [part for part in PartMaker(table).make(line) if part.title == "Notes"]
    assert any("SIGSEGV" in sentence for sentence in notes.sentences)


def test_operator_times_by_kind_add_up_to_the_inference() -> None:
    table = make_table(*make_profiled())
    line = next(line for line in make_lines(table) if line.attention == "ca")
    (part,) = [part for part in PartMaker(table).make(line) if part.title == "Where the time goes"]
    (sheet,) = part.sheets
    rows = {line.label: [entry.text for entry in line.entries] for line in sheet.lines}
    assert [column.head for column in sheet.columns] == ["attention blocks, ms", "network, ms"]
    assert rows["multiply"] == ["0.400", "0"]
    assert rows["layout"] == ["0", "0.050"]
    assert rows["all operators"] == ["0.900", "3.560"]
    assert rows["between operators"][-1] == "0.140"
    assert rows["whole inference"][-1] == "4.600"
    assert part.more == f"stages-{(line.place or 0) + 1}-{line.row_index + 1}"


def test_operator_times_without_places_have_one_column() -> None:
    table = make_table(*make_profiled())
    line = next(line for line in make_lines(table) if line.row.spec is None)
    (part,) = [part for part in PartMaker(table).make(line) if part.title == "Where the time goes"]
    assert [column.head for column in part.sheets[0].columns] == ["network, ms"]
    assert part.more is None


def test_pictures_that_could_not_be_read_are_counted(suite: Table) -> None:
    line = find_line(suite, "ca")
    assert line.file.top1 is not None
    accuracy = replace(line.file.top1.accuracy, image_count=9_990, unreadable_count=10)
    line = replace(line, file=replace(line.file, top1=replace(line.file.top1, accuracy=accuracy)))
    assert read_parts(suite, line)["Accuracy"]["Pictures"] == "9,990 of 10,000; 10 can't be read"


def test_seeds_are_told_one_by_one() -> None:
    file = make_artifact(make_spec())
    trained = [
        TrainedAccuracy(
            spec=make_spec(),
            seed=seed,
            recipe_sha256="ab",
            dataset="fashion-mnist",
            dataset_sha256="cd",
            image_count=10_000,
            top1_fraction=top1,
        )
        for seed, top1 in enumerate((0.9, 0.91, 0.92))
    ]
    table = make_table([file], make_sessions(file, 5.0), [], trained=trained)
    assert read_parts(table, make_lines(table)[0])["Accuracy"]["By seed"] == "90.00, 91.00, 92.00 % on fashion-mnist"
